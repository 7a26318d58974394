//! Removes what was made: whatever of it there is, however far it came.
//!
//! Must not fail: what cannot be removed is told as the commands that remove it.

use aws_sdk_iam::error::ProvideErrorMetadata;
use failure_monitor_core::causes::shell_quoted;

/// Removes the user with its keys; what is left, as commands that remove it.
pub(super) async fn remove(iam: &aws_sdk_iam::Client, user: &str) -> Vec<String> {
    let quoted = shell_quoted(user);
    let gone = |code: Option<&str>| code == Some("NoSuchEntity");
    let mut left = Vec::new();
    match iam.list_access_keys().user_name(user).send().await {
        Ok(keys) => {
            let ids = keys.access_key_metadata().iter().filter_map(|key| key.access_key_id());
            for id in ids {
                let deleted =
                    iam.delete_access_key().user_name(user).access_key_id(id).send().await;
                if deleted.is_err_and(|err| !gone(err.code())) {
                    let id = shell_quoted(id);
                    left.push(format!(
                        "aws iam delete-access-key --user-name {quoted} --access-key-id {id}"
                    ));
                }
            }
        }
        Err(err) if gone(err.code()) => return Vec::new(),
        Err(_) => left.push(format!(
            "aws iam list-access-keys --user-name {quoted}    # and delete-access-key for each"
        )),
    }
    let deleted = iam.delete_user().user_name(user).send().await;
    if deleted.is_err_and(|err| !gone(err.code())) {
        left.push(format!("aws iam delete-user --user-name {quoted}"));
    }
    left
}
