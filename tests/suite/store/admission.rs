//! Admission control sees every change stored before the one that it admits.

use lupa::policy::admit::Admitted;
use lupa::policy::refusal::Refusal;
use lupa::store::{Append, AppendError};

use super::fixture::*;
use crate::fixtures::importing::import_new;

/// A withdrawal that is refused if the declaration is withdrawn already.
fn withdraw_once(key: &str, declaration_id: &str) -> Append {
    let declaration_id = id(declaration_id);
    let mut append = withdraw(client(), key, declaration_id.clone());
    append.admit = Box::new(move |_, person, _| {
        let declaration = person.declarations.iter().find(|one| one.id == declaration_id);
        match declaration.ok_or(Refusal::DeclarationUnknown)?.withdrawal {
            None => Ok(Admitted::default()),
            Some(_) => Err(Refusal::AlreadyWithdrawn),
        }
    });
    append
}

async fn one_of_concurrent_withdrawals_is_admitted(home: Shared) {
    let store = home.open();
    for round in 0..20 {
        let denied = append(&store, declare(client(), &format!("deny {round}"), denial())).await;
        let withdraw = |n| {
            let store = store.clone();
            let append = withdraw_once(&format!("end {round} {n}"), denied.id.as_str());
            tokio::spawn(async move { store.append(append).await })
        };
        let calls: Vec<_> = (0..8).map(withdraw).collect();
        let mut admitted = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(_) => admitted += 1,
                Err(AppendError::Refused(Refusal::AlreadyWithdrawn)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(admitted, 1);
    }
}

async fn admission_sees_its_client_only(home: Shared) {
    let store = home.open();
    append(&store, declare(other_client(), "other", denial())).await;
    let own = append(&store, declare(client(), "own", denial())).await;
    let mut second = declare(client(), "second", consent());
    second.admit = Box::new(move |_, person, now| {
        let declarations = person.declarations;
        let [declaration] = declarations else { panic!("{declarations:?}") };
        assert_eq!((&declaration.id, declaration.recorded_at), (&own.id, own.recorded_at));
        assert!(now > own.recorded_at);
        Ok(Admitted::default())
    });
    append(&store, second).await;
}

async fn a_client_with_many_declarations_is_served(home: Shared) {
    let store = home.open();
    let history = (0..10_000).map(|n| (client(), imported(&format!("declaration {n}"), 0)));
    import_new(&store, history.collect()).await;
    for n in [0, 64, 65, 9_999] {
        append(&store, withdraw_once(&format!("end {n}"), &format!("declaration {n}"))).await;
        let again = store.append(withdraw_once(&format!("again {n}"), &format!("declaration {n}"))).await;
        assert!(matches!(again, Err(AppendError::Refused(Refusal::AlreadyWithdrawn))), "{again:?}");
    }
    let (index, _follower) = start_index(&store);
    let last = append(&store, declare(client(), "last", consent())).await;
    reached(&index, &store, last.revision).await;
    let snapshot = index.current().unwrap();
    let declarations = snapshot.declarations(&client());
    assert_eq!((declarations.facts().count(), snapshot.declaration_count()), (10_001, 10_001));
    assert_eq!(declarations.facts().filter(|facts| facts.withdrawal.is_some()).count(), 4);
}

on_both_stores!(
    one_of_concurrent_withdrawals_is_admitted,
    admission_sees_its_client_only,
    a_client_with_many_declarations_is_served,
);
