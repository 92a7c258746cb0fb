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
		internal("error setting order processing", "error checking key validity", "error checking account status"),
		because("overload", "the ca server is currently overloaded", "the service is down for maintenance", "service is temporarily unavailable"),
		{code: checks.CAInternal, says: []string{"value is too large"}, pattern: `retryafter=(?P<wait>\d{1,7}) value is too large`, args: checks.Args{"problem": "overload"}},
		{code: checks.CAInternal, says: []string{"internal server error", "bad gateway", "service unavailable", "service temporarily unavailable", "gateway time"},
			pattern: `(?P<status>50[0234]):? (?:internal server error|bad gateway|service (?:temporarily )?unavailable|gateway time-?out)`},
		{code: checks.CAInternal, says: []string{"(status 50", "http status 50", "http status: 50", "reports that service is unavailable (503)", "returned status code 50", "http 50"},
			pattern: `(?:\(|http |code |http status:? ?)(?:status )?(?P<status>50[0234])\b`},
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
			"certificate public key must be different than account key", "signature algorithm not supported", "certificate request subject and order"),
		client("profile", "does not permit ip type identifiers", "does not permit dns type identifiers", "is not permitted to use certificate profile", "acme:error:invalidprofile", "profile name", "acme profile not supported", "no such profile"),
		client("challenge", "but you specified: dns-persist-01", "supported validation types are:", "is not possible using", "cannot get domain token entry", "could not determine solvers", "no longer allowed",
			"none of offered challenge types", "none of the offered challenge types", "no viable validation type", "no solvers available for remaining challenges", "preferred challenge not offered",
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
		client("port", "could not start http server for challenge", "could not start https server for challenge"),
		client("dnsapi", "error adding txt record to domain", "cannot find dns api hook", "dns manual mode", "error removing txt for domain", "please add the txt records to the domains", "error presenting token",
			"did not return the expected txt record", "error creating dns record", "presenting for challenge", "no dns provider configured", "timed out waiting for record to fully propagate", "unable to determine zone"),
		{code: checks.CAClient, says: []string{"order cannot contain more than"}, pattern: `order cannot contain more than (?P<count>\d+) (?:identifiers|dns names)`, args: checks.Args{"problem": "names"}},
		{code: checks.CAClient, says: []string{"is redundant with a wildcard domain"}, pattern: `"(?P<name>[^"]+)" is redundant with a wildcard domain`, args: checks.Args{"problem": "names"}},
		client("names", "cumulative length of all identifier values", "did not specify any identifiers"),
		client("contact", "acme:error:invalidcontact", "acme:error:invalidemail", "acme:error:unsupportedcontact", "error validating contact", "contact email has", "no contact information is available for md"),
		client("account", "acme:error:accountdoesnotexist", "no account exists with the provided key", "account that does not exist", "account key not found at", "account url is empty", "contained an invalid account url",
			"external account binding", "acme:error:externalaccountrequired", "eab credentials", "account registration error", "cannot find account id url", "no key id in jws header", "account key is not valid", "error registering account"),
		{code: checks.CAClient, says: []string{"account "}, pattern: `account "[^"]*" not found|account id doesn't match|doesn't match account id in authorization`, args: checks.Args{"problem": "account"}},
		client("terms", "acme:error:useractionrequired", "must agree to terms of service", "accept the terms-of-service", "must agree to the terms"),
		client("nonce", "acme:error:badnonce", "anti-replay nonce", "did not respond with a proper nonce header"),
		client("order", "is not acceptable for finalization", "acme:error:ordernotready", "no such authorization", "expired authorization", "no order for id", "no order found for account",
			"no such challenge", "authorization must be pending", "must be in pending state", "authorization is already being validated", "authorizations for these", "acme:error:conflict", "order was already processing", "can not finalize order with status",
			"acme:error:alreadyreplaced", "already has a replacement order", "has already been replaced", "could not validate ari", "do not match any identifiers in the certificate being replaced", "order identifiers have been modified"),
		client("request", "acme:error:badcsr", "acme:error:badpublickey", "acme:error:badsignaturealgorithm", "acme:error:badrevocationreason", "acme:error:alreadyrevoked",
			"unable to validate jws", "jws verification error", "parse error reading jws", "request body too large", "invalid public key"),
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
		tool("openssl", "please install openssl", "requires an openssl binary", "script requires openssl", "openssl: command not found"),
		{code: checks.CAClient, says: []string{"this script requires ", ": command not found"}, pattern: `this script requires (?P<tool>[a-z][\w.-]+)\.|(?P<tool>[a-z][\w.-]+): command not found`, args: checks.Args{"problem": "tool"}},
		client("trust", "curl: (77)", "error setting certificate verify locations", "problem with the ssl ca cert"),
		client("webserver", "nginx: configuration file", "nginx config is not correct", "problem with the nginx config", "while reloading nginx", "nginx restart failed", "nginx configuration test failed",
			"apache config file has errors", "apache config error has occurred", "apachectl graceful error", "error while running apache2ctl", "error while running apachectl", "error while running nginx", "nginx command not found",
			"cannot find nginx config", "could not automatically find a matching server block", "unable to find a virtual host listening on port"),
		client("disk", "no space left on device", "disk quota exceeded", "не осталось свободного места", "нет места на устройстве", "превышена дисковая квота", "недостаточно места на диске"),
		client("lock", "another instance of certbot", "resource temporarily unavailable: '/var/lib/letsencrypt", "lock file '", "unable to obtain ari lock"),
		client("port", "is already used by", "could not bind tcp port", "address already in use", "problem binding to port", "error starting tls server"),
		client("hook", "error deploying for domain", "error encountered while deploying", "the deploy hook", "hook returned with non-zero", "error occurred when running pre hook", "error encountered while running post hook",
			"error encountered while running renew hook", "error calling hook", "hook command \"", "mdmessagecmd", "mdnotifycmd"),
		{code: checks.CAClient, says: []string{"wrote file to "}, pattern: `wrote file to .{1,300}?, but couldn't download`, args: checks.Args{"problem": "selfcheck"}},
		client("settings", "the manual plugin is not working", "authentication script must be provided", "produced an unexpected error: expected", "to be a symlink", "missing command line flag or config entry", "input the webroot for",
			"could not choose appropriate plugin", "the requested nginx plugin does not appear to be installed", "the requested apache plugin does not appear to be installed", "parsefail", "renewal configuration file",
			"is not an issued domain", "wellknown directory doesn't exist", "apache config file not found", "is not a cert name"),
		client("file", "permission denied", "no such file or directory", "read-only file system", "cannot write token to file", "error creating csr", "error creating domain key", "cannot create temp file", "cannot create domain key",
			"cannot create path", "cannot create dir", "unable to create directory", "domain key exists, do you want to overwrite it", "error writing nginx config", "ошибка при работе с файлами", "отказано в доступе", "нет такого файла или каталога"),
	}
}
