//! Signs or verifies with httpsig. `{key, lines, parameters}` gives `{input, signature}`, where `lines` is the signature
//! base up to its last line, and that one is `parameters`; `{key, lines, input, signature}` gives `{verified}`.

use std::error::Error;
use std::io::stdin;

use httpsig::prelude::message_component::HttpMessageComponent;
use httpsig::prelude::{
    AlgorithmName, HttpSignatureBase, HttpSignatureHeaders, HttpSignatureParams, PublicKey, SecretKey,
};
use serde_json::{Value, from_reader, json};

fn main() -> Result<(), Box<dyn Error>> {
    let asked: Value = from_reader(stdin())?;
    let text = |name: &str| asked[name].as_str().unwrap_or_default();
    let lines = asked["lines"].as_array().ok_or("no lines")?.iter();
    let lines: Vec<_> = lines
        .map(|line| HttpMessageComponent::try_from(line.as_str().unwrap_or_default()))
        .collect::<Result<_, _>>()?;
    let answer = if asked.get("signature").is_none() {
        let key = SecretKey::from_pem(&AlgorithmName::Ed25519, text("key"))?;
        let parameters = HttpSignatureParams::try_from(text("parameters"))?;
        let base = HttpSignatureBase::try_new(&lines, &parameters)?;
        let headers = base.build_signature_headers(&key, Some("sig1"))?;
        json!({ "input": headers.signature_input_header_value(), "signature": headers.signature_header_value() })
    } else {
        let key = PublicKey::from_pem(&AlgorithmName::Ed25519, text("key"))?;
        let all = HttpSignatureHeaders::try_parse(text("signature"), text("input"))?;
        let headers = all.values().next().ok_or("no signature")?;
        let base = HttpSignatureBase::try_new(&lines, headers.signature_params())?;
        json!({ "verified": base.verify_signature_headers(&key, headers).is_ok() })
    };
    println!("{answer}");
    Ok(())
}
