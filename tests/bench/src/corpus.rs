//! One trail file: its records in a row, its bytes, and its part of the answer.
//!
//! Knows the order in which random numbers are drawn, which makes a file the same on any machine and
//! whatever the number of threads. Must not know folders or threads.

use crate::calendar;
use crate::callers::{ACCOUNTS, Caller};
use crate::calls;
use crate::expected::{Tally, Use};
use crate::failures;
use crate::hostile;
use crate::json::Json;
use crate::object;
use crate::plan::{Change, ChangeKind, FilePlan, Plan, Scheduled, WINDOW};
use crate::random::Random;
use crate::record::{Draft, Place};
use crate::traps::{self, Context};

/// One in so many records is somebody who makes a new key.
const NEW_KEY_PER_MILLION: u64 = 40;

pub struct File {
    pub path: String,
    pub json: Vec<u8>,
    /// Where the file falls into gzip members; empty for the usual single one.
    pub members: Vec<usize>,
    pub tally: Tally,
}

pub fn file(plan: &Plan, at: usize) -> File {
    let file = &plan.files[at];
    let mut random = Random::new(plan.options.seed, at as u64 + 1);
    let path = file.path(&mut random);
    let sessions = plan.populations[file.account].sessions(&mut random, file.begin);
    let dying: Vec<String> = plan.dying.iter().map(|dying| dying.key().to_owned()).collect();
    let mut writer = Writer {
        plan,
        file,
        sessions,
        context: Context { population: &plan.populations[file.account], dying: &dying },
        json: Vec::with_capacity(plan.bytes_per_file + 16_384),
        tally: Tally::default(),
        random,
    };
    writer.write();
    let Writer { json, tally, mut random, .. } = writer;
    let members = match plan.options.hostile && random.percent(20) {
        true => {
            let mut cuts: Vec<usize> = (0..2).map(|_| random.index(json.len())).collect();
            // An empty last member: the size at the file's end is then that of nothing.
            cuts.push(json.len());
            cuts.sort_unstable();
            cuts
        }
        false => Vec::new(),
    };
    File { path, json, members, tally }
}

struct Writer<'a> {
    plan: &'a Plan,
    file: &'a FilePlan,
    sessions: Vec<Caller>,
    context: Context<'a>,
    random: Random,
    json: Vec<u8>,
    tally: Tally,
}

impl Writer<'_> {
    fn write(&mut self) {
        let envelope = if self.plan.options.hostile { self.random.below(8) } else { 7 };
        self.open(envelope);
        // Each scheduled record has its place among the others, given in bytes.
        let mut scheduled: Vec<(usize, Scheduled)> = Vec::new();
        for entry in &self.file.scheduled {
            scheduled.push((self.random.index(self.plan.bytes_per_file), entry.clone()));
        }
        scheduled.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        while self.json.len() < self.plan.bytes_per_file {
            let due = scheduled.last().is_some_and(|(place, _)| *place <= self.json.len());
            let draft = match scheduled.pop_if(|_| due) {
                Some((_, entry)) => self.scheduled(entry),
                None => self.unscheduled(),
            };
            self.put(draft);
        }
        while let Some((_, entry)) = scheduled.pop() {
            let draft = self.scheduled(entry);
            self.put(draft);
        }
        self.close(envelope);
        self.tally.files = 1;
        self.tally.bytes = self.json.len() as u64;
    }

    /// The object round the records; `hostile` ones have more in it than the records.
    fn open(&mut self, envelope: u64) {
        match envelope {
            0 => self.json.extend_from_slice(b"\n { \"Records\"\t:\r\n ["),
            1 => {
                self.json.extend_from_slice(b"{\"before\":{\"Records\":[");
                self.forged();
                self.json.extend_from_slice(b"]},\"Records\":[");
            }
            2 => self.json.extend_from_slice(b"{\"\\u0052ecor\\u0064s\":["),
            _ => self.json.extend_from_slice(b"{\"Records\":["),
        }
    }

    fn close(&mut self, envelope: u64) {
        match envelope {
            0 => self.json.extend_from_slice(b" ] \n}\n\n"),
            3 => {
                self.json.extend_from_slice(b"],\"after\":[");
                self.forged();
                self.json.extend_from_slice(b"]}");
            }
            _ => self.json.extend_from_slice(b"]}"),
        }
    }

    fn forged(&mut self) {
        let caller = self.random.choose(&self.sessions).clone();
        traps::forged(&mut self.random, &caller).write(&mut self.json);
    }

    fn put(&mut self, draft: Draft) {
        if self.tally.seen > 0 {
            self.json.push(b',');
        }
        self.tally.seen += 1;
        let mut record = draft.into_json(&mut self.random);
        if !self.plan.options.hostile {
            return record.write(&mut self.json);
        }
        let stranger = self.random.choose(&self.sessions).clone();
        hostile::distort(&mut self.random, &mut record, &stranger);
        if self.random.percent(10) {
            hostile::space(&mut self.random, &mut self.json);
        }
        hostile::write(&mut self.random, &record, &mut self.json);
    }

    fn place(&self, time: i64) -> Place {
        Place { account: ACCOUNTS[self.file.account], region: self.file.region, time }
    }

    fn unscheduled(&mut self) -> Draft {
        let random = &mut self.random;
        let time = random.between(self.file.begin, self.file.begin + WINDOW);
        let place = Place { account: ACCOUNTS[self.file.account], region: self.file.region, time };
        if random.per_million(self.plan.options.failures_per_thousand * 1_000) {
            let (draft, failure) = failures::failure(random, place, &self.plan.failing);
            self.tally.failure(failure);
            return draft;
        }
        if self.file.region == "us-east-1" && random.per_million(NEW_KEY_PER_MILLION) {
            let change = Change {
                kind: ChangeKind::Created,
                access_key_id: random.access_key_id("AKIA"),
                user_name: format!("new-user-{}", random.below(1000)),
            };
            return self.change(time, change);
        }
        let caller = self.context.population.anybody(random, &self.sessions);
        let mut draft = calls::ordinary(random, place, caller);
        traps::disguise(random, &mut draft, &self.context);
        draft
    }

    fn scheduled(&mut self, entry: Scheduled) -> Draft {
        match entry {
            Scheduled::Change { time, change } => self.change(time, change),
            Scheduled::Use { time, caller, allowed } => {
                let place = self.place(time);
                let mut draft = calls::call(&mut self.random, place, caller);
                if !allowed {
                    draft.refuse("AccessDenied", "Access Denied", true);
                } else if let Some(key) = &draft.caller.access_key_id {
                    self.tally.used(Use {
                        access_key_id: key.clone(),
                        source: draft.caller.source.clone().into_owned(),
                        user_agent: draft.caller.user_agent.clone().into_owned(),
                        time,
                    });
                }
                draft
            }
        }
    }

    /// An administrator creates, deactivates or deletes a key.
    fn change(&mut self, time: i64, change: Change) -> Draft {
        let place = self.place(time);
        let administrator = self.random.choose(&self.sessions).clone();
        let mut draft = calls::call(&mut self.random, place, administrator);
        let (key, user) = (change.access_key_id.clone(), change.user_name.clone());
        draft.service = "iam";
        draft.read_only = false;
        draft.resources = None;
        draft.additional = None;
        draft.response = Json::Null;
        match change.kind {
            ChangeKind::Created => {
                draft.event_name = "CreateAccessKey".into();
                draft.request = object! { "userName": user.clone() };
                draft.response = object! { "accessKey": object! {
                    "userName": user,
                    "accessKeyId": key,
                    "status": "Active",
                    "createDate": calendar::in_response(time),
                } };
            }
            ChangeKind::Deactivated => {
                draft.event_name = "UpdateAccessKey".into();
                draft.request =
                    object! { "userName": user, "accessKeyId": key, "status": "Inactive" };
            }
            ChangeKind::Deleted => {
                draft.event_name = "DeleteAccessKey".into();
                draft.request = object! { "userName": user, "accessKeyId": key };
            }
        }
        self.tally.change(time, change, ACCOUNTS[self.file.account]);
        draft
    }
}
