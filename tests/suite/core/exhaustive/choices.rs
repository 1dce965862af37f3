//! Enumerates all paths through a series of choices.

/// The current path. Later choices may depend on earlier ones.
#[derive(Default)]
pub(super) struct Choices {
    /// The chosen option and the number of options, for each choice.
    places: Vec<(usize, usize)>,
    /// The next choice.
    next: usize,
}

impl Choices {
    /// Chooses one of these; over all paths, each of them.
    pub(super) fn of<T: Clone>(&mut self, options: &[T]) -> T {
        if self.next == self.places.len() {
            self.places.push((0, options.len()));
        }
        let (place, count) = self.places[self.next];
        assert_eq!(count, options.len(), "the choices before were the same, and so must these be");
        self.next += 1;
        options[place].clone()
    }

    pub(super) fn whether(&mut self) -> bool {
        self.of(&[false, true])
    }

    /// Moves to the next path; false if there is none.
    pub(super) fn advance(&mut self) -> bool {
        assert_eq!(self.next, self.places.len(), "a choice was left out");
        self.next = 0;
        while let Some((place, count)) = self.places.pop() {
            if place + 1 < count {
                self.places.push((place + 1, count));
                return true;
            }
        }
        false
    }
}

#[test]
fn every_path_is_visited_once() {
    let mut ways = Vec::new();
    let mut choices = Choices::default();
    loop {
        let first = choices.of(&["a", "b", "c"]);
        // There is more to choose after `b`.
        let second = if first == "b" { choices.of(&[1, 2]) } else { 0 };
        ways.push((first, second));
        if !choices.advance() {
            break;
        }
    }
    assert_eq!(ways, [("a", 0), ("b", 1), ("b", 2), ("c", 0)]);
}
