//! What is fixed before any file is made: the files, the people, and the keys that are turned off.
//!
//! Knows how the parts of a corpus hang together across files. Must not know how records look.

use crate::calendar::{BEGIN, DAY};
use crate::callers::{ACCOUNTS, AGENTS, Caller, Population, User};
use crate::failures::Failing;
use crate::random::Random;

/// Each file holds the records of so many seconds.
pub const WINDOW: i64 = 300;

const FILE_BYTES: u64 = 2_500_000;
const REGIONS: &[&str] =
    &["us-east-1", "us-east-1", "us-east-1", "us-west-2", "eu-central-1", "ap-southeast-2"];

#[derive(Clone, Copy)]
pub struct Options {
    pub megabytes: u64,
    pub seed: u64,
    pub failures_per_thousand: u64,
    pub key_changes: usize,
    pub hostile: bool,
}

pub struct Plan {
    pub options: Options,
    pub populations: Vec<Population>,
    pub failing: Failing,
    pub dying: Vec<DyingKey>,
    pub files: Vec<FilePlan>,
    pub bytes_per_file: usize,
}

pub struct FilePlan {
    pub account: usize,
    pub region: &'static str,
    pub begin: i64,
    pub scheduled: Vec<Scheduled>,
}

/// A key that is turned off, and who used it until then.
pub struct DyingKey {
    pub user: User,
    pub callers: Vec<(String, &'static str)>,
    pub off_at: i64,
    /// The first caller goes on with the user's second key.
    pub moves: bool,
}

impl DyingKey {
    pub fn key(&self) -> &str {
        &self.user.keys[0]
    }
}

/// A record that must be in a certain file.
#[derive(Clone)]
pub enum Scheduled {
    Use { time: i64, caller: Caller, allowed: bool },
    Change { time: i64, change: Change },
}

#[derive(Clone)]
pub struct Change {
    pub kind: ChangeKind,
    pub access_key_id: String,
    pub user_name: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    Created,
    Deactivated,
    Deleted,
}

impl Plan {
    pub fn new(options: Options) -> Plan {
        let mut random = Random::new(options.seed, 0);
        let bytes = options.megabytes * 1_000_000;
        let count = bytes.div_ceil(FILE_BYTES).max(1);
        let populations =
            ACCOUNTS.iter().map(|account| Population::new(&mut random, account)).collect();
        let files = (0..count)
            .map(|at| FilePlan {
                account: random.index(ACCOUNTS.len()),
                region: random.pick(REGIONS),
                begin: BEGIN + at as i64 * WINDOW,
                scheduled: Vec::new(),
            })
            .collect();
        let mut plan = Plan {
            options,
            populations,
            failing: Failing::new(&mut random),
            dying: Vec::new(),
            files,
            bytes_per_file: (bytes / count) as usize,
        };
        for at in 0..options.key_changes {
            let dying = plan.turn_off(&mut random, at);
            plan.dying.push(dying);
        }
        plan
    }

    /// Turns one key off: the first has callers that move, each third is deleted a little later.
    fn turn_off(&mut self, random: &mut Random, at: usize) -> DyingKey {
        let file = (at + 1) * self.files.len() / (self.options.key_changes + 1);
        // Key changes are recorded in one region only.
        self.files[file].region = "us-east-1";
        let begin = self.files[file].begin;
        let off_at = begin + WINDOW / 2;
        let moves = at == 0;
        let account = ACCOUNTS[self.files[file].account];
        let user = User::new(random, account, "robot", 2);
        let count = if moves { 2 } else { 1 + at % 3 };
        let mut callers: Vec<(String, &'static str)> =
            (0..count).map(|at| (random.address(), AGENTS[random.index(4) + at])).collect();
        if count == 3 {
            // Two programs on one machine.
            callers[2].0 = callers[0].0.clone();
        }
        let dying = DyingKey { user, callers, off_at, moves };
        let key = dying.key().to_owned();
        self.use_until(random, &dying, file);
        if moves {
            let successor = dying.user.keys[1].clone();
            self.change(file, begin + 30, ChangeKind::Created, &dying, &successor);
            self.go_on(random, &dying, file);
        }
        match at % 3 {
            1 => self.change(file, off_at, ChangeKind::Deleted, &dying, &key),
            kind => {
                self.change(file, off_at, ChangeKind::Deactivated, &dying, &key);
                if kind == 2 {
                    self.change(file, off_at + 100, ChangeKind::Deleted, &dying, &key);
                }
            }
        }
        dying
    }

    fn change(&mut self, file: usize, time: i64, kind: ChangeKind, key: &DyingKey, id: &str) {
        let change =
            Change { kind, access_key_id: id.to_owned(), user_name: key.user.name.clone() };
        self.files[file].scheduled.push(Scheduled::Change { time, change });
    }

    /// Every caller uses the key in the day before its end; most do in a few other files, too.
    fn use_until(&mut self, random: &mut Random, dying: &DyingKey, last: usize) {
        let own: Vec<usize> = (0..=last)
            .filter(|&file| self.files[file].account == self.files[last].account)
            .collect();
        let recent: Vec<usize> = own
            .iter()
            .copied()
            .filter(|&file| dying.off_at - self.files[file].begin < DAY - 60)
            .collect();
        let first = random.pick(&recent);
        let few = 1 + self.files.len() / 400;
        let others: Vec<usize> = (0..few).map(|_| random.pick(&own)).collect();
        for (source, agent) in &dying.callers {
            self.uses(random, dying, dying.user.caller(dying.key(), source, agent), first, true);
            for &file in &others {
                if random.percent(60) {
                    let caller = dying.user.caller(dying.key(), source, agent);
                    self.uses(random, dying, caller, file, false);
                }
            }
        }
    }

    /// A caller's uses of the key within one file; the first goes well where that is demanded.
    fn uses(
        &mut self,
        random: &mut Random,
        dying: &DyingKey,
        caller: Caller,
        file: usize,
        certain: bool,
    ) {
        let begin = self.files[file].begin;
        for at in 0..1 + random.below(5) {
            let time = random.between(begin, (begin + WINDOW).min(dying.off_at - 1));
            // Too near to the edge of the look-back is nobody's business.
            if (dying.off_at - time - DAY).abs() < 60 {
                continue;
            }
            let allowed = certain && at == 0 || random.percent(85);
            let caller = caller.clone();
            self.files[file].scheduled.push(Scheduled::Use { time, caller, allowed });
        }
    }

    /// The first caller is seen on the user's other key, well after the change.
    fn go_on(&mut self, random: &mut Random, dying: &DyingKey, file: usize) {
        let (source, agent) = &dying.callers[0];
        let account = self.files[file].account;
        let later = (file..self.files.len()).filter(|&later| self.files[later].account == account);
        for later in later.take(3).collect::<Vec<_>>() {
            let begin = self.files[later].begin;
            let time = random.between(begin.max(dying.off_at + 90), begin + WINDOW);
            let caller = dying.user.caller(&dying.user.keys[1], source, agent);
            self.files[later].scheduled.push(Scheduled::Use { time, caller, allowed: true });
        }
    }
}

impl ChangeKind {
    pub fn name(self) -> &'static str {
        match self {
            ChangeKind::Created => "created",
            ChangeKind::Deactivated => "deactivated",
            ChangeKind::Deleted => "deleted",
        }
    }
}

impl FilePlan {
    /// Where AWS would put the file; its last 16 characters are drawn from the file's own stream.
    pub fn path(&self, random: &mut Random) -> String {
        let (account, region) = (ACCOUNTS[self.account], self.region);
        let (end, id) = (self.begin + WINDOW, random.alphanumeric(16));
        let (folder, stamp) = (crate::calendar::folder(end), crate::calendar::stamp(end));
        format!(
            "AWSLogs/{account}/CloudTrail/{region}/{folder}/{account}_CloudTrail_{region}_{stamp}_{id}.json.gz"
        )
    }
}
