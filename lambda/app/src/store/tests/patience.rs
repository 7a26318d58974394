//! How long DynamoDB is waited for, and what is not worth waiting.

use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::client_of;
use crate::store::dynamodb::DynamoDb;
use crate::store::{Item, Key, Refused, Store, Write};

/// Answers each request with this, or never; returns its address and how many requests came.
fn server(answer: Option<(u16, String)>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let count = requests.clone();
    // Ends with the process of the tests.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer, count) = (stream.unwrap(), answer.clone(), count.clone());
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                loop {
                    let mut length = 0;
                    let mut line = String::new();
                    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                            length = value.trim().parse().unwrap();
                        }
                        line.clear();
                    }
                    if length == 0 || reader.read_exact(&mut vec![0; length]).is_err() {
                        return;
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                    let Some((status, body)) = &answer else { continue };
                    let head = format!(
                        "HTTP/1.1 {status} Test\r\ncontent-type: application/x-amz-json-1.0\r\n\
                         content-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    if stream.write_all(head.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (url, requests)
}

fn error(code: &str) -> Option<(u16, String)> {
    let body = format!("{{\"__type\":\"com.amazonaws#{code}\",\"message\":\"the text\"}}");
    Some((400, body))
}

fn put() -> Write {
    let key = Key { partition: "items".to_owned(), sort: "a".to_owned() };
    Write::Put(Item { key, version: 0, json: "1".to_owned(), expires: None })
}

fn claim() -> Write {
    let key = Key { partition: "marks".to_owned(), sort: "a".to_owned() };
    Write::Claim { key, expires: "2100-01-01T00:00:00Z".parse().unwrap() }
}

/// What a read, a single write and a transaction say, and how long each took at most.
async fn told(store: &DynamoDb) -> (Vec<String>, Duration) {
    let mut told = Vec::new();
    let mut longest = Duration::ZERO;
    let mut start = Instant::now();
    let key = Key { partition: "items".to_owned(), sort: "a".to_owned() };
    told.push(format!("{:#}", store.get(&[key]).await.unwrap_err()));
    for writes in [vec![put()], vec![put(), claim()]] {
        longest = longest.max(start.elapsed());
        start = Instant::now();
        match store.transact(&writes).await {
            Err(Refused::Unavailable(err)) => told.push(format!("{err:#}")),
            other => panic!("{other:?}"),
        }
    }
    (told, longest.max(start.elapsed()))
}

#[tokio::test]
async fn a_throttled_table_is_tried_until_the_time_is_up() {
    let (url, requests) = server(error("ThrottlingException"));
    let store = DynamoDb::new(&client_of(&url), "kept").within(Duration::from_millis(400));
    let (told, longest) = told(&store).await;
    for told in &told {
        assert!(told.contains("table kept"), "{told}");
        assert!(told.contains(" try "), "{told}");
        assert!(told.contains("ThrottlingException: the text"), "{told}");
    }
    assert!(longest < Duration::from_secs(3), "{longest:?}");
    // At least two tries of each.
    assert!(requests.load(Ordering::Relaxed) >= 6);
}

#[tokio::test]
async fn what_does_not_pass_is_told_at_once() {
    for code in ["ResourceNotFoundException", "AccessDeniedException", "ValidationException"] {
        let (url, requests) = server(error(code));
        let store = DynamoDb::new(&client_of(&url), "kept");
        let (told, _) = told(&store).await;
        for told in &told {
            assert!(told.contains("table kept") && told.contains(code), "{told}");
        }
        assert_eq!(requests.load(Ordering::Relaxed), 3, "{code}");
    }
}

#[tokio::test]
async fn a_table_without_an_answer_is_given_up_in_time() {
    let (url, _) = server(None);
    let store = DynamoDb::new(&client_of(&url), "kept");
    let (told, longest) = told(&store.clone().within(Duration::from_millis(300))).await;
    assert!(told.iter().all(|told| told.contains("no answer in time at try 1")), "{told:?}");
    assert!(longest < Duration::from_secs(3), "{longest:?}");
    // A deadline holds for all calls together.
    let start = Instant::now();
    self::told(&store.until(start + Duration::from_millis(300))).await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_table_that_cannot_be_reached_is_given_up_in_time() {
    // Nobody listens at the first port.
    let store = DynamoDb::new(&client_of("http://127.0.0.1:1"), "kept");
    let (told, longest) = told(&store.within(Duration::from_millis(300))).await;
    assert!(told.iter().all(|told| told.contains(" try ") && told.contains("onnect")), "{told:?}");
    assert!(longest < Duration::from_secs(3), "{longest:?}");
}

#[tokio::test]
async fn an_outage_is_waited_for() {
    let (url, requests) = server(Some((500, "{}".to_owned())));
    let store = DynamoDb::new(&client_of(&url), "kept").within(Duration::from_millis(300));
    told(&store).await;
    assert!(requests.load(Ordering::Relaxed) >= 6, "5xx answers are tried again");
}
