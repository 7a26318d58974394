//! docs/alert.schema.json describes what is published: every member is in it, and nothing else.

use serde_json::Value;

use super::*;

/// A validator of those keywords that the schema uses; any other fails, so that none is passed over.
fn check(schema: &Value, root: &Value, value: &Value, at: &str) -> Result<(), String> {
    let fail = |why: String| Err(format!("{at}: {why}"));
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "$id" | "title" | "description" | "$defs" | "format" => {}
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                check(&root["$defs"][name], root, value, at)?;
            }
            "oneOf" => {
                let fits = |one: &&Value| check(one, root, value, at).is_ok();
                if rule.as_array().unwrap().iter().filter(fits).count() != 1 {
                    return fail("fits none or several of oneOf".to_owned());
                }
            }
            "const" if rule == value => {}
            "enum" if rule.as_array().unwrap().contains(value) => {}
            "type" => {
                let is = |name: &Value| match name.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("unknown type {other}"),
                };
                if !rule.as_array().map_or_else(|| is(rule), |types| types.iter().any(is)) {
                    return fail(format!("is not of type {rule}: {value}"));
                }
            }
            "required" => {
                for name in rule.as_array().unwrap() {
                    if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
                        return fail(format!("{name} is missing"));
                    }
                }
            }
            "properties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    if let Some(rule) = rule.get(name) {
                        check(rule, root, member, &format!("{at}.{name}"))?;
                    }
                }
            }
            "additionalProperties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    if schema["properties"].get(name).is_some() {
                        continue;
                    }
                    if rule == false {
                        return fail(format!("{name} is not in the schema"));
                    }
                    check(rule, root, member, &format!("{at}.{name}"))?;
                }
            }
            "propertyNames" => {
                for name in value.as_object().into_iter().flat_map(|it| it.keys()) {
                    check(rule, root, &name.as_str().into(), &format!("{at}/{name}"))?;
                }
            }
            "items" => {
                for (nth, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(rule, root, item, &format!("{at}[{nth}]"))?;
                }
            }
            "minItems" | "maxItems" | "minLength" | "minimum" => {
                let size = match value {
                    Value::Array(items) => items.len() as u64,
                    Value::String(text) => text.chars().count() as u64,
                    Value::Number(number) => number.as_u64().unwrap_or(0),
                    _ => continue,
                };
                let limit = rule.as_u64().unwrap();
                let kept = if keyword == "maxItems" { size <= limit } else { size >= limit };
                if !kept {
                    return fail(format!("{keyword} {limit}: {size}"));
                }
            }
            "uniqueItems" => {
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                if items.iter().enumerate().any(|(nth, one)| items[..nth].contains(one)) {
                    return fail("has an item twice".to_owned());
                }
            }
            "pattern" => {
                let text = value.as_str().unwrap_or_default();
                let kept = match rule.as_str().unwrap() {
                    "^[0-9a-f]{32}$" => {
                        let hexadecimal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
                        text.len() == 32 && text.bytes().all(hexadecimal)
                    }
                    "^[0-9]+$" => !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()),
                    codes if codes.contains("InvalidClientTokenId") => {
                        crate::failure::family(text).is_some()
                    }
                    other => panic!("unknown pattern {other}"),
                };
                if !kept && !value.is_null() {
                    return fail(format!("{text:?} does not match {rule}"));
                }
            }
            "const" | "enum" => return fail(format!("{value} is not {rule}")),
            other => panic!("unknown keyword {other}"),
        }
    }
    Ok(())
}

fn schema() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/alert.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_alert_fits_the_schema() {
    let schema = schema();
    for (name, alert) in all() {
        let machine: Value = serde_json::from_str(texts(&alert)["sqs"].as_str().unwrap()).unwrap();
        if let Err(problem) = check(&schema, &schema, &machine, name) {
            panic!("{problem}");
        }
    }
}

#[test]
fn the_schema_refuses_what_is_no_alert() {
    let schema = schema();
    let good = serde_json::to_value(crate::alert::sample(&world::context(), now())).unwrap();
    assert_eq!(check(&schema, &schema, &good, ""), Ok(()));
    let spoil: [fn(&mut Value); 6] = [
        |alert| alert["schema"] = "failure-monitor/alert/2".into(),
        |alert| alert["more"] = 1.into(),
        |alert| alert["alert_id"] = "x".into(),
        |alert| alert["incidents"] = Value::Array(Vec::new()),
        |alert| alert["incidents"][0]["due"] = "now".into(),
        |alert| alert["incidents"][0]["findings"][0]["origins"]["recorded"] = 1.5.into(),
    ];
    for (nth, spoil) in spoil.into_iter().enumerate() {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert!(check(&schema, &schema, &bad, "").is_err(), "{nth}");
    }
}
