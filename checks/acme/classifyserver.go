package acme

import "domovoy/checks"

// serverRules are for texts of web servers about the certificate and its key
// (nginx, Apache, HAProxy, lighttpd, servers in Go), which clients pass on when
// the server does not accept what they installed. A file that is not there is
// the cause of the other complaints about it, so those rules come first.
func serverRules() []phrase {
	missing := func(pattern string, says ...string) phrase {
		return phrase{code: checks.CertMissing, says: says, pattern: pattern}
	}
	mismatch := func(says ...string) phrase { return phrase{code: checks.CertKeyMismatch, says: says} }
	kind := func(says ...string) phrase {
		return phrase{code: checks.CertKeyMismatch, says: says, args: checks.Args{"reason": "kind"}}
	}
	unloaded := func(says ...string) phrase { return phrase{code: checks.CertNotInstalled, says: says} }
	const absent = `.{0,400}?(?:no such file or directory|no such file|нет такого файла|no start line|no certificate assigned|does not exist)`
	return []phrase{
		missing(`(?:cannot load certificate|ssl_ctx_use_\w+\(|bio_new_file\().{0,400}?(?:no such file|нет такого файла|no start line)`, "cannot load certificate", "ssl_ctx_use_", "bio_new_file("),
		missing(`sslcertificate(?:key|chain)?file: file .{1,300}? does not exist or is empty`, "does not exist or is empty"),
		missing("", "unable to stat ssl certificate", "no private key found in '", "ssl_error_no_certificate", "no ssl certificate specified for bind", "there are no ssl certificates configured", `no "ssl_certificate" is defined`, `no "ssl_certificate_key" is defined`),
		missing(`cannot open the file '[^']+\.(?:pem|crt|cer|key)'`, "cannot open the file '"),
		missing(`unable to load (?:ssl )?(?:certificate|private key)`+absent, "unable to load"),
		missing(`(?:ssl_cert|ssl_key|ssl\.pemfile|ssl\.privkey|bio_read_filename|couldn't read x509).{0,300}?(?:no such file|can't open file)`, "ssl_cert", "ssl_key", "ssl.pemfile", "ssl.privkey", "bio_read_filename", "couldn't read x509"),
		missing(`(?:open|loading|load x509 key pair:?|reading|read) .{0,300}?\.(?:pem|crt|crtca|cer|key)"?'?: (?:no such file or directory|нет такого файла|the system cannot find the file)`, ".pem", ".crt", ".cer", ".key"),
		missing("", "failed to find any pem data in certificate input", "failed to find any pem data in key input", "does not contain pem-encoded certificate"),
		missing(`файл\S* (?:сертификата|ключа) .{0,200}?(?:не найден|не существует|отсутствует)|(?:сертификат|ключ)\S* .{0,200}?(?:файл не найден|нет такого файла)`, "файл"),
		kind("key_type_mismatch", "key type mismatch", "private key type does not match public key type", "different key types"),
		mismatch("key values mismatch", "key_values_mismatch", "private key does not match", "x509_check_private_key", "inconsistencies between private key and certificate", "ah02565",
			"key does not match the certificate", "key does not match certificate", "certificate does not match private key", "does not seem to match the certificate", "keys do not match", "private/public key mismatch"),
		{code: checks.CertKeyMismatch, says: []string{"private key"}, pattern: `certificate and private key .{0,300}?do not match|private key (?:\S+ ){0,3}(?:doesn't|does not|do not) match|private key from .{1,200}? (?:doesn't|does not) (?:match|fit)`},
		{code: checks.CertKeyMismatch, says: []string{"ключ"}, pattern: `ключ\S*(?: \S+){0,2} не (?:соответству|подход|совпада)\S* (?:к )?сертификат|ключ\S* и сертификат\S* не (?:соответству|подход|совпада)|сертификат\S* (?:и|не соответству\S*|не подход\S* к?)(?: \S+){0,2} ключ\S*(?: не (?:соответству|подход|совпада)|[ .,:;»"]|$)`},
		unloaded("cannot load certificate", "ssl_ctx_use_certificate", "ssl_ctx_use_privatekey", "pem_read_bio", "ee key too small", "ca md too weak", "unable to load ssl certificate", "unable to load ssl private key",
			"unable to load certificate", "pem block in certificate input", "pem block in key input", "unable to load private key", "failed to parse private key", "failed to load x509 key pair", "certificate and key are malformed", "ah02561", "ah02562", "ah02563", "ah02564", "ah02572"),
		unloaded("failed to configure certificate", "failed to configure at least one certificate", "is present but cannot be read or parsed", "unable to configure rsa server private key", "unable to configure server private key",
			"reload error for"),
	}
}
