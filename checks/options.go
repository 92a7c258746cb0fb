package checks

// Options are settings of the panel's program that decide what it does about
// failures, from its configuration file
// (https://www.ispmanager.com/docs/ispmanager/configuration-parameters).
type Options struct {
	Path   string // of that file
	Denied bool   // it could not be read, so nothing below is known

	ACMELog     Flag // EnableAcmeshDebug: the ACME client writes the log that authorizations are found in
	SkipAccount Flag // AcmeSkipAccountCheck: the panel does not count the failures of its account
}
