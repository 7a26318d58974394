//! Trail files in S3.
//!
//! Knows which objects are trail files and which errors are worth another try. A file is put on disk
//! first, because it may be looked at twice, and is read like any other file.

use std::error::Error as _;
use std::io::Write;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata};
use tempfile::NamedTempFile;

use super::local_file::Input;
use super::message::Object;

/// Why an object was not read.
#[derive(Debug)]
pub enum NotRead {
    /// It is no trail file: a digest, Insights events, a folder.
    PassedOver,
    /// It will not help to try again: what was there is gone.
    Gone(String),
    /// It may help to try again, now or once somebody has mended something.
    Trouble(String),
}

/// How the names of files with records end.
const ENDINGS: [&str; 4] = [".json.gz", ".json", ".jsonl", ".gz"];

/// Whether a key names something that is no file with records of API calls, whatever brought it
/// into a notification: what is passed over, or a stray object.
fn is_stray(key: &str) -> bool {
    is_passed_over(key) || !ENDINGS.iter().any(|ending| key.ends_with(ending))
}

/// Whether a key names something that cannot hold records of API calls: a digest, Insights events,
/// a folder.
pub fn is_passed_over(key: &str) -> bool {
    key.ends_with('/')
        || key.split('/').any(|part| part == "CloudTrail-Digest" || part == "CloudTrail-Insight")
        || key.contains("_CloudTrail-Digest_")
        || key.contains("_CloudTrail-Insight_")
}

/// Brings an object here.
///
/// # Errors
///
/// Says what is to be done about it.
pub async fn fetch(client: &Client, object: &Object) -> Result<Input, NotRead> {
    if is_stray(&object.key) {
        return Err(NotRead::PassedOver);
    }
    let name = format!("s3://{}/{}", object.bucket, object.key);
    let trouble = |what: String| NotRead::Trouble(format!("{name}: {what}"));
    let answer = client.get_object().bucket(&object.bucket).key(&object.key).send().await;
    let answer = answer.map_err(|err| {
        let code = err.code().unwrap_or_default();
        let message = err.message().unwrap_or_default();
        match code {
            "NoSuchKey" | "NoSuchVersion" | "MethodNotAllowed" => {
                NotRead::Gone(format!("{name}: the object is missing ({code})"))
            }
            "InvalidObjectState" => {
                NotRead::Gone(format!("{name}: the object is archived ({code})"))
            }
            "AccessDenied" if message.contains("kms") => trouble(format!(
                "the function may not decrypt it: allow kms:Decrypt on the trail's key ({message})"
            )),
            "AccessDenied" => trouble(format!(
                "access denied: allow s3:GetObject, in the function's role and in the bucket's \
                 policy ({message})"
            )),
            code if code.starts_with("KMS.") => {
                trouble(format!("its encryption key cannot be used: {code}: {message}"))
            }
            "" => trouble(format!("S3 did not answer: {}", DisplayErrorContext(&err))),
            code => trouble(format!("S3 answered {code}: {message}")),
        }
    })?;
    let mut file =
        NamedTempFile::new().map_err(|err| trouble(format!("no room on disk: {err}")))?;
    let mut body = answer.body;
    let mut size = 0;
    while let Some(part) = body.next().await {
        let part = part.map_err(|err| {
            // The error itself says only that there was one.
            let why = err.source().map_or_else(|| err.to_string(), ToString::to_string);
            trouble(format!("the transfer broke off: {why}"))
        })?;
        file.write_all(&part).map_err(|err| trouble(format!("no room on disk: {err}")))?;
        size += part.len() as u64;
    }
    Ok(Input::spooled(name, size, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_and_insights_are_passed_over() {
        let day = "us-east-1/2025/01/14/";
        for key in [
            format!("AWSLogs/111122223333/CloudTrail-Digest/{day}x.json.gz"),
            format!("p/AWSLogs/111122223333/CloudTrail-Insight/{day}x.json.gz"),
            "AWSLogs/111122223333/CloudTrail/".to_owned(),
            "AWSLogs/readme".to_owned(),
        ] {
            assert!(is_stray(&key), "{key}");
        }
        assert!(!is_stray(&format!("AWSLogs/111122223333/CloudTrail/{day}x.json.gz")));
    }
}
