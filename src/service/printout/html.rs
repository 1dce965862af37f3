//! A printout as a page of HTML: complete, without scripts or anything fetched
//! from elsewhere.

use maud::{DOCTYPE, PreEscaped, html};

use super::{Page, RenderedEntry};

const STYLE: &str = "
:root { color-scheme: light; }
body { max-width: 42rem; margin: 2rem auto; padding: 0 1rem; font: 1.0625rem/1.5 sans-serif; color: #111; background: #fff; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 .5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; }
dt { font-weight: bold; }
dd { margin: 0; }
ul { margin: 0; padding-left: 1.25rem; }
li, dd { overflow-wrap: anywhere; }
.entry { margin: 1.5rem 0; padding: 1rem; border: 1px solid #767676; border-radius: .25rem; }
.note { margin: .75rem 0 0; padding-left: .75rem; border-left: .25rem solid #111; }
.none { font-weight: bold; }
@media print {
  @page { size: A4; margin: 2cm; }
  body { max-width: none; margin: 0; padding: 0; font-size: 11pt; }
  .entry { break-inside: avoid; }
  h1, h2 { break-after: avoid; }
}
";

pub(super) fn page(page: &Page) -> String {
    let Page { language, title, facts, paragraphs, note_label, entries, none } = page;
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    dl {
                        @for (label, value) in facts {
                            dt { (label) }
                            dd { (value) }
                        }
                    }
                    @for paragraph in paragraphs {
                        p { (paragraph) }
                    }
                    @if let Some(none) = none {
                        p.none { (none) }
                    }
                    @for RenderedEntry { heading, lines, note } in entries {
                        section.entry {
                            h2 { (heading) }
                            ul {
                                @for line in lines {
                                    li { (line) }
                                }
                            }
                            @if let Some(note) = note {
                                p.note { strong { (note_label) ":" } " " (note) }
                            }
                        }
                    }
                }
            }
        }
    }
    .into_string()
}
