//! The sentences about key changes and what followed from them.

use super::{NAMED, Words};
use crate::key_change::Change;
use crate::left_behind::{CallerUses, KeyChangeDetail, Session};
use crate::render::{counted, duration, number, time, times};

impl Words<'_> {
    /// What happened to a key: when, and what.
    pub(in crate::render) fn key_change(&self, detail: &KeyChangeDetail) -> (String, String) {
        let change = &detail.change;
        let user = change.user_name.as_deref().map(|name| self.name(name));
        let what = match (&change.access_key_id, change.change, user) {
            (Some(id), _, user) => {
                let owner = user.map(|name| format!(" ({name})")).unwrap_or_default();
                format!("{}{owner} was {}", self.key(Some(id)), change.change.verb())
            }
            (None, Change::UserDeleted, Some(user)) => format!("The user {user} was deleted"),
            (None, _, Some(user)) => format!("The user {user} was {}", change.change.verb()),
            (None, _, None) => format!("A key was {}", change.change.verb()),
        };
        let by = self.name(change.changed_by.as_deref().unwrap_or("somebody"));
        let from = self.name(&change.source);
        (time(change.time), format!("{what} by {by} from {from}"))
    }

    /// What followed from a key change, a sentence each.
    pub(in crate::render) fn consequences(&self, detail: &KeyChangeDetail) -> Vec<String> {
        let mut out = Vec::new();
        let (left, resolved) = (detail.left_behind, detail.resolved);
        let sources = |count: u64| match count {
            1 => "1 source that used it before is".to_owned(),
            _ => format!("{} sources that used it before are", number(count)),
        };
        if left > 0 {
            out.push(format!("{} left behind.", sources(left)));
        }
        if resolved > 0 {
            out.push(format!("{} working again.", sources(resolved)));
        }
        let mut sessions: Vec<&Session> = detail.sessions.iter().collect();
        sessions.sort_by_key(|session| !session.live);
        out.extend(sessions.iter().take(NAMED).map(|session| self.session(session)));
        if let Some(more) = sessions.get(NAMED..).filter(|more| !more.is_empty()) {
            let live = more.iter().filter(|session| session.live).count() as u64;
            let sessions = counted(more.len() as u64, "more session", "more sessions");
            out.push(format!(
                "{sessions} of the key, {} of them live; JSON output has them all.",
                number(live)
            ));
        }
        for uses in &detail.service_uses {
            out.push(format!(
                "{} used it {} on behalf of {}: not a place where a copy of the key is kept.",
                self.name(&uses.source),
                times(uses.uses),
                self.who(uses.principal.as_deref()),
            ));
        }
        out
    }

    fn session(&self, session: &Session) -> String {
        let key = self.key(Some(&session.access_key_id));
        let by = self.name(&session.minted.event_name);
        let state = match (session.ends, session.live) {
            (Some(ends), true) => {
                format!("still live until {} ({} more)", time(ends), duration(ends - self.now))
            }
            (Some(ends), false) => format!("ended {}", time(ends)),
            (None, true) => "still live; no record says until when".to_owned(),
            (None, false) => "ended".to_owned(),
        };
        let used = match session.callers.as_slice() {
            [] => "no use of it was seen".to_owned(),
            callers => {
                let callers = callers.iter().map(|caller| self.caller(caller)).collect();
                let from = if session.live { "then" } else { "that time" };
                format!("used by {}, expected to fail from {from} on", self.list(callers, NAMED))
            }
        };
        let outlives = if session.live { "outlives" } else { "outlived" };
        format!("A session of the key {outlives} it: {key}, minted by {by}: {state}; {used}.")
    }

    fn caller(&self, caller: &CallerUses) -> String {
        format!("{} ({})", self.name(&caller.source), self.name(&caller.client))
    }
}
