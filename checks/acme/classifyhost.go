package acme

import "domovoy/checks"

// internalRules are for the CA's own faults.
func internalRules() []phrase {
	internal := func(says ...string) phrase { return phrase{code: checks.CAInternal, says: says} }
	because := func(problem string, says ...string) phrase {
		return phrase{code: checks.CAInternal, says: says, args: checks.Args{"problem": problem}}
	}
	return []phrase{
		internal("could not communicate with va", "secondary validation rpc", "insufficient remote perspectives"),
		internal("unable to meet ca sct embedding requirements", "failed to get scts"),
		internal("error setting order processing", "error checking key validity", "error checking account status", "error retrieving account", "problem getting authorization", "failure while checking pause status",
			"no order updated for finalization", "error updating order for finalization", "order with no authorizations", "error checking caa for", "failed to sign precertificate", "failed to sign certificate",
			"a signing error occurred: could not find le_linkcert"),
		because("overload", "the ca server is currently overloaded", "the service is down for maintenance", "service is temporarily unavailable"),
		{code: checks.CAInternal, says: []string{"value is too large"}, pattern: `retryafter=(?P<wait>\d{1,7}) value is too large`, args: checks.Args{"problem": "overload"}},
		{code: checks.CAInternal, says: []string{"internal server error", "bad gateway", "service unavailable", "service temporarily unavailable", "gateway time"},
			pattern: `(?P<status>50[0234]):? (?:internal server error|bad gateway|service (?:temporarily )?unavailable|gateway time-?out)`},
		{code: checks.CAInternal, says: []string{"(status 50", "http status 50", "http status: 50", "http status code 50", "bad http: 50", "reports that service is unavailable (503)", "returned status code 50", "http 50"},
			pattern: `(?:\(|http:? |code |http status:? ?)(?:status )?(?P<status>50[0234])\b`},
		internal("acme:error:serverinternal", "the server experienced an internal error"),
		because("processing", "stopped retrying after reaching the retry limit", "all authorizations were not finalized by the ca", "timed out waiting for processing of", "error waiting for order to become valid",
			"polling for order timed out", "timed out waiting for certificate to be ready", "order still processing", "order is still in processing state", "order took too long to issue"),
	}
}

// refusedRules are for requests that the CA refuses for what they ask, whatever
// the type of the problem document: no validation failed. The argument "problem"
// says what is wrong.
func refusedRules() []phrase {
	client := func(problem string, says ...string) phrase {
		return phrase{code: checks.CAClient, says: says, args: checks.Args{"problem": problem}}
	}
	return []phrase{
		client("staple", "must-staple extension", "must-staple is no longer", "ocsp must staple", "tls feature extension"),
		client("v1", "account creation on acmev1 is disabled", "validations for new domains are disabled in the v1 api", "acmev1 is disabled", "acmev1 api has been", "upgrade your acme client to a version that supports acmev2",
			"v1 api is no longer available", "acmev1 api is disabled"),
		client("csr", "csr does not specify same identifiers", "csr does not specify same domains", "csr identifier count", "incorrect number of identifiers", "incorrect number of names requested", "invalid public key in csr",
			"csr contains", "unable to parse csr", "error parsing certificate request", "invalid signature on csr", "requester does not control all", "order includes different number of names", "csr is missing order domain",
			"certificate public key must be different than account key", "signature algorithm not supported", "certificate request subject and order",
			"key is known to be compromised", "public key is forbidden", "error finalizing order :: cn was longer than", "key and csr do not match", "provided csr is not a valid csr", "failed to parse csr file", "bad csr"),
		client("profile", "does not permit ip type identifiers", "does not permit dns type identifiers", "is not permitted to use certificate profile", "acme:error:invalidprofile", "profile name", "acme profile not supported", "no such profile"),
		client("challenge", "but you specified: dns-persist-01", "supported validation types are:", "is not possible using", "cannot get domain token entry", "could not determine solvers", "no longer allowed",
			"none of offered challenge types", "none of the offered challenge types", "no viable validation type", "no supported challenges", "no solvers available for remaining challenges", "preferred challenge not offered",
			"none of the preferred challenges are supported", "client with the currently selected authenticator does not support any combination of challenges"),
		client("ports", "none of the acme challenge methods configured for this domain are suitable"),
	}
}

// clientRules are for faults of the panel's ACME client. The argument "problem"
// says which.
func clientRules() []phrase {
	client := func(problem string, says ...string) phrase {
		return phrase{code: checks.CAClient, says: says, args: checks.Args{"problem": problem}}
	}
	return []phrase{
		client("port", "could not start http server for challenge", "could not start https server for challenge", "could not start listener for challenge"),
		client("port", "tlsalpn01: error presenting token"),
		client("file", "http01: error presenting token", "could not write file in webroot", "could not create required directories in webroot"),
		client("dnsapi", "error adding txt record to domain", "cannot find dns api hook", "dns manual mode", "error removing txt for domain", "please add the txt records to the domains", "error presenting token",
			"did not return the expected txt record", "error creating dns record", "presenting for challenge", "no dns provider configured", "timed out waiting for record to fully propagate", "unable to determine zone",
			"error presenting challenge", "waiting for dns-01 challenge propagation", "not yet propagated", "propagation: time limit exceeded", "time limit exceeded: last error", "could not find zone", "failed to find zone", "failed to create txt record",
			"unable to determine base domain for", "error determining zone", "unexpected error determining zone", "error communicating with the cloudflare api", "error checking dns.", "unknown doh provider", "could not determine the zone",
			"could not determine authoritative nameservers", "dns-01 command not set"),
		{code: checks.CAClient, says: []string{"connectionpool(host='"}, pattern: `connectionpool\(host='(?:api\.|[\w.-]*(?:dns|route53|googleapis|cloudflare))`, args: checks.Args{"problem": "dnsapi"}},
		{code: checks.CAClient, says: []string{"get \"https://api.", "post \"https://api.", "put \"https://api."}, pattern: `(?:get|post|put) "https://api\.[^"]+": (?:dial |read |context deadline|net/http|tls|x509|eof|remote error)`, args: checks.Args{"problem": "dnsapi"}},
		{code: checks.CAClient, says: []string{"your api file"}, pattern: `\bdns_\w+`, args: checks.Args{"problem": "dnsapi"}},
		{code: checks.CAClient, says: []string{"order cannot contain more than"}, pattern: `order cannot contain more than (?P<count>\d+) (?:identifiers|dns names)`, args: checks.Args{"problem": "names"}},
		{code: checks.CAClient, says: []string{"is redundant with a wildcard domain"}, pattern: `"(?P<name>[^"]+)" is redundant with a wildcard domain`, args: checks.Args{"problem": "names"}},
		client("names", "non-ascii domain names not supported", "cumulative length of all identifier values", "did not specify any identifiers"),
		client("contact", "acme:error:invalidcontact", "acme:error:invalidemail", "acme:error:unsupportedcontact", "error validating contact", "contact email has", "contact email contains", "no contact information is available for md", "invalid contact:", "unparsable contact", "too many contacts provided",
			"only contact scheme 'mailto:'", "unable to parse email address", "update your account with an email address", "invalid email address"),
		client("account", "acme:error:accountdoesnotexist", "no account exists with the provided key", "account that does not exist", "account key not found at", "account url is empty", "contained an invalid account url",
			"external account binding", "external account key required", "acme:error:externalaccountrequired", "eab credentials", "account registration error", "cannot find account id url", "no key id in jws header", "account key is not valid", "error registering account", "no registration exists matching provided key", "cannot determine the acme account url", "cannot register account",
			"cannot resolve _eab_", "new key is already in use", "key is already in use for a different account", "acme account no longer exists", "unable to register an account with acme server"),
		{code: checks.CAClient, says: []string{"account "}, pattern: `account "[^"]*" not found|account id doesn't match|doesn't match account id in authorization`, args: checks.Args{"problem": "account"}},
		client("terms", "acme:error:useractionrequired", "must agree to terms of service", "accept the terms-of-service", "must agree to the terms", "must agree to ca terms"),
		client("nonce", "acme:error:badnonce", "anti-replay nonce", "did not respond with a proper nonce header", "nonce whose prefix matches no nonce service", "cannot obtain replay nonce"),
		client("order", "is not acceptable for finalization", "acme:error:ordernotready", "no such authorization", "expired authorization", "no order for id", "no order found for account",
			"no such challenge", "authorization must be pending", "must be in pending state", "authorization is already being validated", "authorizations for these", "acme:error:conflict", "order was already processing", "can not finalize order with status",
			"acme:error:alreadyreplaced", "already has a replacement order", "has already been replaced", "could not validate ari", "do not match any identifiers in the certificate being replaced", "order identifiers have been modified", "did not request the certificate being replaced",
			"no current certificate with serial", "no such authz", "no such order", "challenge is not pending", "challenge failed consistency check", "create new order with invalid status", "authorization fulfilled by disabled challenge"),
		client("request", "acme:error:badcsr", "acme:error:badpublickey", "acme:error:badsignaturealgorithm", "acme:error:badrevocationreason", "acme:error:alreadyrevoked",
			"unable to validate jws", "jws verification error", "parse error reading jws", "request body too large", "invalid public key", "invalid request signing key", "error unmarshaling", "unable to unmarshal neworder", "notbefore and notafter are not supported",
			"post jws not signed", "jws header parameter", "malformed jws", "invalid jwk in jws", "jwk contains unsupported key type", "invalid content-type header on post", "no content-type header on post", "request payload did not parse as json",
			"post-as-get requests must", "request signing key did not match", "should not contain replay-nonce"),
	}
}

// hostRules are for faults of the host on which the client runs: a program, a
// file, a port, a setting that it lacks. The argument "problem" says which, and
// "tool" which program.
func hostRules() []phrase {
	client := func(problem string, says ...string) phrase {
		return phrase{code: checks.CAClient, says: says, args: checks.Args{"problem": problem}}
	}
	tool := func(name string, says ...string) phrase {
		return phrase{code: checks.CAClient, says: says, args: checks.Args{"problem": "tool", "tool": name}}
	}
	return []phrase{
		tool("idn", "please install the 'idn' command", "please install idn to process idn", "idn: command not found"),
		tool("curl", "neither curl nor wget", "please install curl or wget", "script requires curl", "curl: command not found"),
		tool("socat", "please install socat", "socat: command not found"),
		tool("openssl", "please install openssl", "we need openssl to generate keys", "requires an openssl binary", "script requires openssl", "openssl: command not found"),
		{code: checks.CAClient, says: []string{"this script requires ", ": command not found"}, pattern: `this script requires (?P<tool>[a-z][\w.-]+)\.|(?P<tool>[a-z][\w.-]+): command not found`, args: checks.Args{"problem": "tool"}},
		client("trust", "curl: (77)", "error setting certificate verify locations", "problem with the ssl ca cert"),
		client("webserver", "nginx: configuration file", "nginx config is not correct", "problem with the nginx config", "while reloading nginx", "nginx restart failed", "nginx configuration test failed",
			"apache config file has errors", "apache config error has occurred", "apachectl graceful error", "error while running apache2ctl", "error while running apachectl", "error while running nginx", "nginx command not found",
			"cannot find nginx config", "could not automatically find a matching server block", "unable to find a virtual host listening on port", "could not find a usable 'nginx'", "could not find a usable 'apache", "cannot find apache executable",
			"no nginx http block found", "unable to find nginx version", "unable to find apache version", "apachectl not found", "cannot read apache config file", "cannot backup apache config file", "error setting up apache", "nginx.conf' doesn't exist",
			"error in parsing the file", "could not parse file: /etc/nginx", "could not parse file: /etc/apache"),
		client("disk", "no space left on device", "disk quota exceeded", "не осталось свободного места", "нет места на устройстве", "превышена дисковая квота", "недостаточно места на диске"),
		client("lock", "another instance of certbot", "resource temporarily unavailable: '/var/lib/letsencrypt", "lock file '", "unable to obtain ari lock"),
		client("port", "is already used by", "could not bind tcp port", "address already in use", "problem binding to port", "error starting tls server", "can not listen for user", "unable to activate listener", "non-microsoft webserver using port"),
		client("hook", "error deploying for domain", "error encountered while deploying", "the deploy hook", "hook returned with non-zero", "error occurred when running pre hook", "error encountered while running post hook",
			"error encountered while running renew hook", "error calling hook", "hook command \"", "mdmessagecmd", "mdnotifycmd", "your api file", "cannot find the hook file", "needs a hook script for deployment"),
		client("settings", "the manual plugin is not working", "authentication script must be provided", "produced an unexpected error: expected", "to be a symlink", "missing command line flag or config entry", "input the webroot for",
			"could not choose appropriate plugin", "the requested nginx plugin does not appear to be installed", "the requested apache plugin does not appear to be installed", "parsefail", "renewal configuration file",
			"plugin is not working; there may be problems", "does not exist or is not a directory", "cannot find config file for domain", "please specify a domain with -d", "is not a valid domain for parameter", "--dns-persist-", "codec can't decode byte",
			"codec can't encode character", "is an unsupported type", "unsupported elliptic curve", "invalid key_type specified", "basedir does not exist",
			"is not an issued domain", "wellknown directory doesn't exist", "apache config file not found", "is not a cert name"),
		client("file", "permission denied", "no such file or directory", "read-only file system", "cannot write token to file", "can't write token to file", "are too open, please use 600", "невозможно создать каталог", "невозможно открыть", "error creating csr", "error creating domain key", "cannot create temp file", "cannot create domain key",
			"cannot create path", "cannot create dir", "cannot create config dir", "cannot create working dir", "cannot create directory", "error creating account key", "account key creation error", "key creation error", "error creating tls validation",
			"only rsa or ec key", "unknown key file format", "this key file was not found", "failed to create temp file", "failed storage check", "unable to acquire lock", "could not open file", "error while reading private key from", "unable to create directory", "domain key exists, do you want to overwrite it", "error writing nginx config", "ошибка при работе с файлами", "отказано в доступе", "нет такого файла или каталога"),
		// What a web server says in an emergency and no rule knows better.
		{code: checks.CAClient, says: []string{"[emerg]"}, args: checks.Args{"problem": "webserver"},
			pattern: `\[emerg\] (?:\d+#\d+: )?(?:bind\(\)|open\(\)|mkdir\(\)|unknown |unexpected |invalid |duplicate |a duplicate |conflicting |host not found|getpwnam|could not build|no "events"|"\w+" directive|directive |the "\w+" directive)`},
		client("webserver", "invalid pid number", "job for nginx.service failed", "job for apache2.service failed", "job for httpd.service failed", "ah00526: syntax error"),
	}
}
