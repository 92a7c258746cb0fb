package checks

import "time"

// Subject is a site with all that is known of it before looking. What could
// not be read is nil.
type Subject struct {
	Site        *Site            // of the snapshot: never nil, and not to be changed
	Certificate *Certificate     // the panel's row of the certificate in use
	Order       *Certificate     // the panel's row of a newer order for it, under the next number
	File        *CertificateFile // nil: certificates are not read on this panel
	FileErr     error            // why the file could not be read, when it was tried
	History     *History         // nil: the log has no attempt for it
}

// CertificateFile is what a certificate's file on disk says.
type CertificateFile struct {
	Path                string
	NotBefore, NotAfter time.Time
	Issuer              string // common name of the issuer
	SelfSigned          bool
}

// Lifetime is how long the certificate is valid in all.
func (f CertificateFile) Lifetime() time.Duration { return f.NotAfter.Sub(f.NotBefore) }

// Validity is from when until when a certificate is valid (RFC 5280 section
// 4.1.2.5); zero: nobody could tell.
type Validity struct{ NotBefore, NotAfter time.Time }

// Known reports whether anybody could tell.
func (v Validity) Known() bool { return !v.NotAfter.IsZero() }

// History is how issuing went for a certificate, by the panel's log.
type History struct {
	Last     LastTry
	Failures int       // failed attempts since the last success
	Since    time.Time // the first of these; zero when there is none
	Issued   time.Time // the last success; zero when the log has none
	// Recovered is what the last success ended; nil where nothing failed
	// before it, or again after it.
	Recovered *Recovery
}

// LastTry is what is kept of the last attempt: there are as many as
// certificates.
type LastTry struct {
	Certificate string // its name in the panel
	Outcome     AttemptOutcome
	Time        time.Time // zero when it cannot be read
	Text        string    // of a failed one; may be empty
}

// Recovery is failures in a row that a success ended.
type Recovery struct {
	Failures    int
	First, Last time.Time
	Text        string // of the last of them
}
