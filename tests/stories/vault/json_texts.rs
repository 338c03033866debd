use endo::vault::{canonicalize, stringify};
use serde_json::Value;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Pairs of text and what `JSON.stringify(JSON.parse(text))` gives on Node.js 20.
#[test]
fn texts_are_written_as_javascript_writes_them() {
    let pairs = [
        ("-0", "0"),
        ("-0.0", "0"),
        ("1.0", "1"),
        ("1e21", "1e+21"),
        ("1e20", "100000000000000000000"),
        ("123456789012345680000", "123456789012345680000"),
        ("12345678901234567890", "12345678901234567000"),
        ("9007199254740993", "9007199254740992"),
        ("-9223372036854775808", "-9223372036854776000"),
        ("0.000001", "0.000001"),
        ("1e-7", "1e-7"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        (r#""\u0000\u001f\b\t\n\f\r\u000b""#, r#""\u0000\u001f\b\t\n\f\r\u000b""#),
        (r#""\u007f\u2028\u2029\/\"\\""#, "\"\u{7f}\u{2028}\u{2029}/\\\"\\\\\""),
        (r#""\ud83e\udd16\u00e9""#, "\"\u{1f916}\u{e9}\""),
        (
            r#"{"b":1,"4294967294":2,"4294967295":3,"10":4,"9":5,"01":6,"-1":7,"0":8,"1.5":9,"__proto__":10,"":11}"#,
            r#"{"0":8,"9":5,"10":4,"4294967294":2,"b":1,"4294967295":3,"01":6,"-1":7,"1.5":9,"__proto__":10,"":11}"#,
        ),
        (r#"{"b":1,"a":2,"b":3}"#, r#"{"b":3,"a":2}"#),
        (r#"[ {} , [ ] , null,true, false ]"#, "[{},[],null,true,false]"),
    ];
    for (text, expected) in pairs {
        assert_eq!(*stringify(&parsed(text)), expected, "{text}");
    }
}

/// The examples of RFC 8785 3.2.2 and 3.2.3.
#[test]
fn canonical_texts_are_those_of_rfc_8785() {
    let value = parsed(
        r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
    );
    let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
    assert_eq!(*canonicalize(&value), expected);
    let value = parsed(r#"{"\u20ac":5,"\r":1,"\ufb33":7,"1":2,"\ud83d\ude00":6,"\u0080":3,"\u00f6":4}"#);
    let expected =
        "{\"\\r\":1,\"1\":2,\"\u{80}\":3,\"\u{f6}\":4,\"\u{20ac}\":5,\"\u{1f600}\":6,\"\u{fb33}\":7}";
    assert_eq!(*canonicalize(&value), expected);
}
