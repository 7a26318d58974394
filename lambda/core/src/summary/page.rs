//! Smaller summaries: of one access key, and in parts where an answer may be only so long.
//!
//! Lists are cut, numbers are not: totals, timeline, causes and accounting are whole in each part.

use serde::Serialize;

use super::Window;
use super::shape::{Cut, Summary};
use crate::render::number;

/// A limit that cuts nothing.
pub const WHOLE: usize = usize::MAX;

/// How many entries of a list come before those of the next list, so that each part has some of
/// everything.
const CHUNK: usize = 50;

/// Where the next part of a summary begins, and of which window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continuation {
    /// The window, so that every part is about the same.
    pub window: Window,
    /// The first entry.
    pub first: u64,
}

impl Continuation {
    /// As text that [`Continuation::parse`] reads.
    pub fn text(&self) -> String {
        let Window { from, to } = self.window;
        format!("{}-{}-{}", from.timestamp(), to.timestamp(), self.first)
    }

    /// What [`Continuation::text`] wrote.
    pub fn parse(text: &str) -> Option<Continuation> {
        let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
        let mut time = || chrono::DateTime::from_timestamp(parts.next()??, 0);
        let (from, to) = (time()?, time()?);
        let first = u64::try_from(parts.next()??).ok()?;
        if parts.next().is_some() {
            return None;
        }
        Some(Continuation { window: Window::between(from, to).ok()?, first })
    }
}

impl Summary {
    /// The window it is about.
    fn its_window(&self) -> Window {
        Window { from: self.window.from, to: self.window.to }
    }

    /// What it says of one access key: its groups, incidents, changes and sessions. Coverage stays:
    /// it is not of a key.
    #[must_use]
    pub fn only(mut self, access_key_id: &str) -> Summary {
        let is = |id: &Option<String>| id.as_deref() == Some(access_key_id);
        self.groups.retain(|group| is(&group.access_key_id));
        let groups = &self.groups;
        self.incidents.retain(|incident| {
            is(&incident.access_key_id) || groups.iter().any(|group| group.incident == incident.id)
        });
        self.key_changes.retain(|detail| {
            is(&detail.change.access_key_id)
                || detail.sessions.iter().any(|session| {
                    session.access_key_id == access_key_id
                        || session.minted.parent_access_key_id == access_key_id
                })
        });
        self.live_sessions.retain(|session| {
            session.access_key_id == access_key_id || session.parent_access_key_id == access_key_id
        });
        self.access_key_id = Some(access_key_id.to_owned());
        let window = self.its_window();
        self.count(window);
        self
    }

    /// Cuts its lists so that its JSON has at most so many bytes, and says so. A first entry is
    /// kept even where it is longer, so that every part has one.
    pub fn cut_to(&mut self, max_bytes: usize) {
        self.part(0, max_bytes);
    }

    /// The part that begins with an entry; see [`Summary::cut_to`].
    pub fn part(&mut self, first: u64, max_bytes: usize) {
        let order = order(&self.lengths());
        let of = order.len();
        let first = usize::try_from(first).unwrap_or(of).min(of);
        let sizes = [
            sizes(&self.incidents),
            sizes(&self.groups),
            sizes(&self.access_keys),
            sizes(&self.sources),
            sizes(&self.key_changes),
            sizes(&self.live_sessions),
        ];
        let size_of = |entry: &(usize, usize)| sizes[entry.0].get(entry.1).copied().unwrap_or(0);
        let whole = size(self);
        if first == 0 && whole <= max_bytes {
            return;
        }
        // What does not belong to the lists, with room for the sentence that tells of the cut.
        let mut used = whole - order.iter().map(size_of).sum::<usize>().min(whole) + 400;
        let mut end = first;
        for entry in &order[first..] {
            let size = size_of(entry);
            if end > first && used + size > max_bytes {
                break;
            }
            used += size;
            end += 1;
        }
        let mut kept: [Vec<bool>; 6] = self.lengths().map(|length| vec![false; length]);
        for (list, at) in &order[first..end] {
            if let Some(kept) = kept[*list].get_mut(*at) {
                *kept = true;
            }
        }
        retain(&mut self.incidents, &kept[0]);
        retain(&mut self.groups, &kept[1]);
        retain(&mut self.access_keys, &kept[2]);
        retain(&mut self.sources, &kept[3]);
        retain(&mut self.key_changes, &kept[4]);
        retain(&mut self.live_sessions, &kept[5]);
        let next = (end < of)
            .then(|| Continuation { window: self.its_window(), first: end as u64 }.text());
        let rest = match next {
            Some(_) => "ask for the next part with the continuation",
            None => "this is the last part",
        };
        self.cut = Some(Cut {
            sentence: format!(
                "Entries {} to {} of {}: the answer may be only so long; {rest}. All numbers are \
                 of the whole.",
                number(first as u64 + 1),
                number(end as u64),
                number(of as u64)
            ),
            first: first as u64,
            end: end as u64,
            of: of as u64,
            next,
        });
    }

    /// Adds the part that comes after this one. False, and nothing is added, where it does not: the
    /// account has changed in between.
    pub fn append(&mut self, next: Summary) -> bool {
        let (Some(cut), Some(more)) = (&self.cut, &next.cut) else { return false };
        let fits = cut.end == more.first
            && cut.of == more.of
            && self.window == next.window
            && self.totals == next.totals;
        if !fits {
            return false;
        }
        let first = cut.first;
        self.incidents.extend(next.incidents);
        self.groups.extend(next.groups);
        self.access_keys.extend(next.access_keys);
        self.sources.extend(next.sources);
        self.key_changes.extend(next.key_changes);
        self.live_sessions.extend(next.live_sessions);
        self.cut = next
            .cut
            .filter(|more| first > 0 || more.end < more.of)
            .map(|more| Cut { first, ..more });
        true
    }

    fn lengths(&self) -> [usize; 6] {
        [
            self.incidents.len(),
            self.groups.len(),
            self.access_keys.len(),
            self.sources.len(),
            self.key_changes.len(),
            self.live_sessions.len(),
        ]
    }
}

/// All entries of all lists: a chunk of each list, then the next chunk of each. So the order inside
/// a list is kept, and parts can be put together by adding list to list.
fn order(lengths: &[usize; 6]) -> Vec<(usize, usize)> {
    let lists = lengths.iter().enumerate();
    let mut all: Vec<(usize, usize)> =
        lists.flat_map(|(list, length)| (0..*length).map(move |at| (list, at))).collect();
    all.sort_by_key(|(list, at)| (at / CHUNK, *list, *at));
    all
}

fn size<T: Serialize>(value: &T) -> usize {
    serde_json::to_vec(value).map_or(0, |bytes| bytes.len())
}

/// The sizes of entries with the comma between them.
fn sizes<T: Serialize>(list: &[T]) -> Vec<usize> {
    list.iter().map(|entry| size(entry) + 1).collect()
}

fn retain<T>(list: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    list.retain(|_| kept.next().copied().unwrap_or(false));
}
