package fleet

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/checks/cert"
)

// MaxLogBatch is the largest size of the rows in a LogBatch before compression,
// unless it is a single row.
const MaxLogBatch = 200 << 10

// ErrRecord is the error of a record that cannot be used: it is garbage, or larger
// than a record may be.
var ErrRecord = errors.New("not a record of the fleet")

// ErrLarge is the error of a record that is larger than one may be. It is an
// ErrRecord, too.
var ErrLarge = fmt.Errorf("%w: it is too large", ErrRecord)

const (
	compressed   = 4 << 10 // larger records are compressed
	decompressed = 8 << 20 // at most
)

// Encode returns a record as it travels: JSON, compressed if it is large.
func Encode(record any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // texts of web servers are full of it
	if err := e.Encode(record); err != nil {
		return nil, fmt.Errorf("encoding a record: %w", err)
	}
	data := bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	if len(data) > compressed {
		var small bytes.Buffer
		z := gzip.NewWriter(&small)
		_, err := z.Write(data)
		if err := errors.Join(err, z.Close()); err != nil {
			return nil, fmt.Errorf("encoding a record: %w", err)
		}
		data = small.Bytes()
	}
	if len(data) > MaxRecord {
		return nil, fmt.Errorf("%w: %d bytes", ErrLarge, len(data))
	}
	return data, nil
}

// decode reads what Encode wrote. Unknown fields are of a newer agent, which may
// leave them out.
func decode(data []byte, record any) error {
	if len(data) > MaxRecord {
		return fmt.Errorf("%w: %d bytes", ErrLarge, len(data))
	}
	if len(data) > 1 && data[0] == 0x1f && data[1] == 0x8b { // RFC 1952 section 2.3.1
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err == nil {
			data, err = io.ReadAll(io.LimitReader(z, decompressed+1))
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrRecord, err)
		}
		if len(data) > decompressed {
			return fmt.Errorf("%w: more than %d bytes", ErrLarge, decompressed)
		}
	}
	if err := json.Unmarshal(data, record); err != nil {
		return fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return nil
}

// Moment is a time as records have it: milliseconds since 1970. The zero time is
// left out.
type Moment struct{ time.Time }

// MarshalJSON writes the milliseconds.
func (m Moment) MarshalJSON() ([]byte, error) { return json.Marshal(m.UnixMilli()) }

// UnmarshalJSON reads the milliseconds, in UTC. Null is no time, as if it were left out.
func (m *Moment) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var ms int64
	if err := json.Unmarshal(data, &ms); err != nil {
		return err //nolint:wrapcheck // part of decode
	}
	m.Time = time.UnixMilli(ms).UTC()
	return nil
}

// in returns the time in a zone; the zero time stays as it is.
func (m Moment) in(zone *time.Location) time.Time {
	if m.IsZero() || zone == nil {
		return m.Time
	}
	return m.In(zone)
}

// KindValues are facts about values of a panel that could not be read.
const KindValues = "values"

// InEpoch is part of all facts. Those of one Epoch belong together: an agent that
// sends everything again begins another, and what is left of the one before does
// not count any more.
type InEpoch struct {
	Epoch string `json:"e"`
}

// EpochOf reads the epoch of any fact.
func EpochOf(data []byte) (string, error) {
	var x InEpoch
	if err := decode(data, &x); err != nil {
		return "", err
	}
	if x.Epoch == "" {
		return "", fmt.Errorf("%w: it is of no epoch", ErrRecord)
	}
	return x.Epoch, nil
}

// longest is the length of names that stand in subjects as they are.
const longest = 100

// LongID is ID for what may be long, as a path may: it is shortened to a hash then.
func LongID(name string) string {
	if len(name) > longest {
		sum := sha256.Sum256([]byte(name))
		return ID("#" + string(sum[:20]))
	}
	return ID(name)
}

// ParseState reads the subject of a state; false: it is the subject of something else.
func ParseState(subject string) (panel string, ok bool) {
	panel, ok = strings.CutPrefix(subject, StateSubject(""))
	return panel, ok && ValidName(panel)
}

// FactsAndStates are the patterns of what FACTS has.
func FactsAndStates() []string { return []string{allFacts, allStates} }

// Site is checks.Site without its server, which the subject names.
type Site struct {
	InEpoch
	ID          int64        `json:"id"`
	Node        string       `json:"node,omitempty"`
	Name        string       `json:"name"`
	Owner       string       `json:"owner,omitempty"`
	Aliases     []string     `json:"aliases,omitempty"`
	Addresses   []netip.Addr `json:"addresses,omitempty"`
	Certificate string       `json:"cert,omitempty"`
	Active      checks.Flag  `json:"active,omitempty"`
	Secure      checks.Flag  `json:"secure,omitempty"`
	Redirect    checks.Flag  `json:"redirect,omitempty"`
}

// SiteOf returns the record of a site.
func SiteOf(epoch string, s checks.Site) Site {
	return Site{InEpoch{epoch}, s.ID, s.Node, s.Name, s.Owner, s.Aliases, s.Addresses, s.Certificate, s.Active, s.Secure, s.Redirect}
}

// Of returns the site of a server.
func (s Site) Of(server string) checks.Site {
	return checks.Site{Server: server, Node: s.Node, ID: s.ID, Name: s.Name, Owner: s.Owner, Aliases: s.Aliases, Addresses: s.Addresses,
		Certificate: s.Certificate, Active: s.Active, Secure: s.Secure, Redirect: s.Redirect}
}

// DecodeSite reads a site.
func DecodeSite(data []byte) (s Site, err error) { return s, decode(data, &s) }

// Certificate is checks.Certificate without its server.
type Certificate struct {
	InEpoch
	ID         int64       `json:"id"`
	Name       string      `json:"name,omitempty"`
	Domain     string      `json:"domain,omitempty"`
	Owner      string      `json:"owner,omitempty"`
	Processing checks.Flag `json:"processing,omitempty"`
	Failed     checks.Flag `json:"failed,omitempty"`
	Started    Moment      `json:"started,omitzero"`
}

// CertificateOf returns the record of a certificate.
func CertificateOf(epoch string, c checks.Certificate) Certificate {
	return Certificate{InEpoch{epoch}, c.ID, c.Name, c.Domain, c.Owner, c.Processing, c.Failed, Moment{c.Started}}
}

// Of returns the certificate of a server whose dates are in a zone.
func (c Certificate) Of(server string, zone *time.Location) checks.Certificate {
	return checks.Certificate{Server: server, ID: c.ID, Name: c.Name, Domain: c.Domain, Owner: c.Owner,
		Processing: c.Processing, Failed: c.Failed, Started: c.Started.in(zone)}
}

// DecodeCertificate reads a certificate.
func DecodeCertificate(data []byte) (c Certificate, err error) { return c, decode(data, &c) }

// File is the result of reading a certificate's file.
type File struct {
	InEpoch
	Key        string `json:"key"` // FileKey of the site
	Path       string `json:"path,omitempty"`
	NotBefore  Moment `json:"from,omitzero"`
	NotAfter   Moment `json:"to,omitzero"`
	Issuer     string `json:"issuer,omitempty"`
	SelfSigned bool   `json:"selfsigned,omitempty"`
	Distrust   string `json:"distrust,omitempty"`
	Missing    string `json:"missing,omitempty"`
	Signer     string `json:"signer,omitempty"`
	Err        string `json:"err,omitempty"`    // why it could not be read
	Absent     bool   `json:"absent,omitempty"` // because it does not exist
}

// FileKey is what the file of a site's certificate is known by.
func FileKey(s checks.Site) string { return s.Owner + "/" + s.Certificate }

// FileOf returns the record of a result.
func FileOf(epoch, key string, r cert.Result) File {
	f := File{InEpoch: InEpoch{epoch}, Key: key, Path: r.File.Path, NotBefore: Moment{r.File.NotBefore}, NotAfter: Moment{r.File.NotAfter}, Issuer: r.File.Issuer,
		SelfSigned: r.File.SelfSigned, Distrust: r.File.Chain.Distrust, Missing: r.File.Chain.Missing, Signer: r.File.Chain.Signer}
	if r.Err != nil {
		f.Err, f.Absent = r.Err.Error(), errors.Is(r.Err, fs.ErrNotExist)
	}
	return f
}

// Result is what the agent's reading gave.
func (f File) Result() cert.Result {
	r := cert.Result{File: checks.CertificateFile{Path: f.Path, NotBefore: f.NotBefore.Time, NotAfter: f.NotAfter.Time, Issuer: f.Issuer, SelfSigned: f.SelfSigned,
		Chain: checks.Chain{Distrust: f.Distrust, Missing: f.Missing, Signer: f.Signer}}}
	if f.Err != "" {
		r.Err = &farError{f.Err, f.Absent}
	}
	return r
}

// DecodeFile reads a File.
func DecodeFile(data []byte) (f File, err error) { return f, decode(data, &f) }

// farError is an error of the agent's host.
type farError struct {
	text   string
	absent bool
}

func (e *farError) Error() string { return e.text }

// Is has an absent file recognised as such.
func (e *farError) Is(target error) bool { return e.absent && target == fs.ErrNotExist }

// Values are some of the values of a panel that could not be read; one record has
// too little room for all 20,000.
type Values struct {
	InEpoch
	N      int                 `json:"n"` // which part of all, from 0
	Values []checks.Unreadable `json:"values"`
}

// ValuesInRecord is how many values one record has.
const ValuesInRecord = 200

// DecodeValues reads Values.
func DecodeValues(data []byte) (v Values, err error) { return v, decode(data, &v) }
