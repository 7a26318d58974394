//! What a cancelled transaction means, by the reasons that DynamoDB gives for each of its changes.
//!
//! The codes: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>.

use aws_sdk_dynamodb::types::CancellationReason;

use super::attributes;

/// What to make of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// An earlier try had been made, and its answer was lost.
    Made,
    /// The changes at these places do not fit what is kept.
    Unfit(Vec<usize>),
    /// It passes.
    Again(String),
    /// It does not pass.
    Never(String),
    /// No reasons were given.
    Unknown,
}

/// Judges the reasons; they stand in the order of the changes. `by` is the transaction's token.
///
/// A condition that failed is certain, whatever else went wrong: the caller can act on it at once.
/// It may be told of more in the next try.
pub(super) fn of(reasons: &[CancellationReason], by: &str) -> Verdict {
    let told: Vec<(usize, &CancellationReason)> = reasons
        .iter()
        .enumerate()
        .filter(|(_, reason)| reason.code().is_some_and(|code| code != "None"))
        .collect();
    let with = |wanted: &[&str]| -> Vec<usize> {
        let is = |reason: &CancellationReason| wanted.contains(&reason.code().unwrap_or_default());
        told.iter().filter(|(_, reason)| is(reason)).map(|(place, _)| *place).collect()
    };
    if told.iter().any(|(_, reason)| attributes::is_by(reason.item(), by)) {
        return Verdict::Made;
    }
    let unfit = with(&["ConditionalCheckFailed"]);
    if !unfit.is_empty() {
        return Verdict::Unfit(unfit);
    }
    let Some((_, first)) = told.first() else { return Verdict::Unknown };
    let passing = with(&[
        "TransactionConflict",
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
        "InternalServerError",
    ]);
    let why = |reason: &CancellationReason| {
        let (code, text) =
            (reason.code().unwrap_or_default(), reason.message().unwrap_or_default());
        format!("the transaction was cancelled: {code}: {text}")
    };
    match told.iter().find(|(place, _)| !passing.contains(place)) {
        Some((_, reason)) => Verdict::Never(why(reason)),
        None => Verdict::Again(why(first)),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    fn reason(code: &str) -> CancellationReason {
        CancellationReason::builder().code(code).message("text").build()
    }

    #[test]
    fn failed_conditions_count_even_beside_conflicts() {
        let reasons = ["None", "ConditionalCheckFailed", "TransactionConflict", "None"].map(reason);
        assert_eq!(of(&reasons, "me"), Verdict::Unfit(vec![1]));
        let reasons = ["ThrottlingError", "ConditionalCheckFailed", "ConditionalCheckFailed"];
        assert_eq!(of(&reasons.map(reason), "me"), Verdict::Unfit(vec![1, 2]));
    }

    #[test]
    fn what_passes_is_tried_again_and_nothing_else() {
        for code in ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"] {
            let verdict = of(&["None", code].map(reason), "me");
            assert!(matches!(verdict, Verdict::Again(ref why) if why.contains(code)), "{code}");
        }
        for code in ["ValidationError", "ItemCollectionSizeLimitExceeded", "SomethingNew"] {
            let verdict = of(&["TransactionConflict", code].map(reason), "me");
            assert!(matches!(verdict, Verdict::Never(ref why) if why.contains(code)), "{code}");
        }
        assert_eq!(of(&[], "me"), Verdict::Unknown);
        assert_eq!(of(&["None"].map(reason), "me"), Verdict::Unknown);
    }

    #[test]
    fn a_mark_of_our_own_means_that_it_was_made() {
        let by = |name: &str| {
            CancellationReason::builder()
                .code("ConditionalCheckFailed")
                .item("by", AttributeValue::S(name.to_owned()))
                .build()
        };
        assert_eq!(of(&[reason("ConditionalCheckFailed"), by("me")], "me"), Verdict::Made);
        assert_eq!(of(&[by("other"), reason("None")], "me"), Verdict::Unfit(vec![0]));
    }
}
