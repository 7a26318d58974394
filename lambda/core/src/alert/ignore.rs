//! What no alert is sent for.
//!
//! A rule hides only what it names: where a finding may hold other calls as well, it does not fit.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{IgnoreRule, Policy};
use crate::state::StoredFinding;

/// What is said of a rule that gives no reason.
const NO_REASON: &str = "an ignore rule without a reason";

impl Policy {
    /// The reason of the first rule that fits.
    pub fn ignored(&self, finding: &StoredFinding) -> Option<String> {
        let rule = self.ignore.iter().find(|rule| rule.fits(finding))?;
        let reason = rule.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        Some(reason.unwrap_or(NO_REASON).to_owned())
    }
}

impl IgnoreRule {
    /// Whether everything in a finding is what the rule names. A rule that names nothing fits
    /// nothing.
    pub fn fits(&self, finding: &StoredFinding) -> bool {
        let key = &finding.group.key;
        let IgnoreRule { access_key_id, source, principal, event_source, reason: _ } = self;
        let names_something = access_key_id.is_some()
            || source.is_some()
            || principal.is_some()
            || event_source.is_some();
        names_something
            && access_key_id.as_ref().is_none_or(|id| key.access_key_id.as_ref() == Some(id))
            && source.as_ref().is_none_or(|rule| source_fits(rule, &key.source))
            && principal.as_ref().is_none_or(|principal| principal_fits(principal, finding))
            && event_source.as_ref().is_none_or(|name| event_source_fits(name, finding))
    }

    /// What is wrong with a rule, for whoever wrote it.
    pub fn problem(&self) -> Option<String> {
        let parts = [&self.access_key_id, &self.source, &self.principal, &self.event_source];
        if parts.iter().all(|part| part.is_none()) {
            return Some(
                "names none of access_key_id, source, principal and event_source".to_owned(),
            );
        }
        let source = self.source.as_deref()?;
        let (address, _) = source.split_once('/')?;
        let broken = address.parse::<IpAddr>().is_ok() && source.parse::<IpNet>().is_err();
        broken.then(|| format!("has a source that is not a CIDR block: {source:?}"))
    }
}

/// Whether a source is the one of a rule, in whatever way an address is written, or in its block.
fn source_fits(rule: &str, source: &str) -> bool {
    if rule == source {
        return true;
    }
    let Ok(address) = source.parse::<IpAddr>().map(|address| address.to_canonical()) else {
        return false;
    };
    match rule.parse::<IpNet>() {
        Ok(block) => block.contains(&address),
        Err(_) => rule.parse::<IpAddr>().is_ok_and(|rule| rule.to_canonical() == address),
    }
}

/// Whether all callers are the principal. Refused calls mostly name none; then the owner of the key
/// is taken.
fn principal_fits(principal: &str, finding: &StoredFinding) -> bool {
    let callers = finding.left_behind.iter().flat_map(|left| &left.callers);
    let mut of_callers = callers.map(|caller| caller.principal.as_deref());
    let mut of_group = finding.group.principals.keys();
    let known = !finding.group.principals.is_empty()
        || finding.left_behind.as_ref().is_some_and(|left| !left.callers.is_empty());
    if known {
        return of_group.all(|one| one == principal)
            && of_callers.all(|one| one == Some(principal));
    }
    let mut parts = principal.splitn(6, ':').skip(4);
    let (Some(account), Some(resource)) = (parts.next(), parts.next()) else { return false };
    let user = resource.strip_prefix("user/").and_then(|path| path.rsplit('/').next());
    user.is_some()
        && user == finding.user_name.as_deref()
        && Some(account) == finding.group.key.account.as_deref()
}

/// Whether all calls are known to be calls of the service.
fn event_source_fits(name: &str, finding: &StoredFinding) -> bool {
    if let Some(event_source) = &finding.group.key.event_source {
        return event_source == name;
    }
    let observed = finding.group.event_sources.values().map(|tally| tally.count).sum::<u64>();
    let of_callers = finding.left_behind.iter().flat_map(|left| &left.callers);
    let mut services =
        finding.group.event_sources.keys().chain(of_callers.flat_map(|c| &c.event_sources));
    // A call whose service is not known may be one of another.
    observed == finding.group.all.count
        && services.clone().next().is_some()
        && services.all(|service| service == name)
}
