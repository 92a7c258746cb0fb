package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"

	"domovoy/checks"
)

// About is what an agent says of a panel apart from what is in it: what its
// configuration has that the bot has to know.
type About struct {
	InEpoch
	Protocol     int          `json:"v"`
	Agent        string       `json:"agent"`
	Version      string       `json:"version"`
	Zone         string       `json:"zone"` // of the dates in the panel
	Addresses    []netip.Addr `json:"addresses,omitempty"`
	Skill        int          `json:"skill,omitempty"`      // what the agent can be asked: see Skill
	Files        bool         `json:"files,omitempty"`      // certificate files are read
	Challenges   bool         `json:"challenges,omitempty"` // challenge files can be placed
	Host         []string     `json:"host,omitempty"`       // checks that only the agent's host can make
	Directory    string       `json:"directory,omitempty"`  // of the CA; empty: the account is not known
	Cap          int          `json:"cap,omitempty"`        // cancellations above it need a second person
	Account      string       `json:"account,omitempty"`    // its URL, if it is stored beside the key
	Roots        string       `json:"roots,omitempty"`      // PEM of the roots of a private CA
	HasProxy     bool         `json:"proxy,omitempty"`      // the panel goes out through a proxy
	AccountKnown bool         `json:"known,omitempty"`      // the account is usable on the agent's host
}

// Skill is raised when agents learn to do more for the bot, within a protocol. From 1
// on they make the checks that need a panel's host, and About.Host has those that their
// configuration allows.
const Skill = 1

// maxRoots is how long About.Roots may be: compressed it is some three quarters of that,
// and the rest of an About needs room in its record, too.
const maxRoots = 300 << 10

// Roots returns the certificates of a PEM text as About.Roots has them, without what
// stands between them. The error is ErrLarge.
func Roots(text []byte) (string, error) {
	roots := Certificates(string(text))
	if len(roots) > maxRoots {
		return "", fmt.Errorf("%w: %d bytes of roots", ErrLarge, len(roots))
	}
	return roots, nil
}

// DecodeAbout reads an About.
func DecodeAbout(data []byte) (a About, err error) { return a, decode(data, &a) }

// State ends a reading. Everything of the reading was published, and acknowledged,
// before it.
type State struct {
	Protocol int    `json:"v"`
	Epoch    string `json:"e"`
	Agent    string `json:"agent"`
	Version  string `json:"version"`
	Reading  int64  `json:"n"`  // its number, higher than that of any before
	At       Moment `json:"at"` // when it was published, by the agent's clock
	Taken    Moment `json:"taken,omitzero"`
	Trouble  string `json:"trouble,omitempty"` // why the panel could not be read, as watch.Unreadable has it; what is below is then of the last reading
	Facts    int    `json:"facts"`             // that are live
	Digest   Digest `json:"digest"`            // over them
	Zone     string `json:"zone"`              // of the dates in the panel
	Folder   string `json:"folder,omitempty"`  // why the folder of certificates could not be opened
	Log      Log    `json:"log"`

	Addresses   []netip.Addr     `json:"addresses,omitempty"`
	Nodes       []checks.Node    `json:"nodes,omitempty"`
	Options     *checks.Options  `json:"options,omitempty"`
	NodesBy     string           `json:"nodes_by,omitempty"`
	Missing     []checks.Missing `json:"missing,omitempty"`
	UnreadableN int              `json:"unreadable,omitempty"`
	Rows        map[string]int   `json:"rows,omitempty"`
	Writes      int64            `json:"writes,omitempty"`

	// Removed says who ended the rights of the panel's agent. Then it is the word of the
	// bot's side, and ends no reading: nothing is known of the panel any more.
	Removed string `json:"removed,omitempty"`
}

// Log is how far the issuance log was sent.
type Log struct {
	Generation int64  `json:"gen"`    // higher than before when the panel's log was begun again
	Newest     int64  `json:"newest"` // its last row; 0: it is empty
	Seq        uint64 `json:"seq"`    // of the stream LOG: the last batch that belongs to the reading; 0: none
}

// DecodeState reads a State. One of a newer protocol may lack what ours needs.
func DecodeState(data []byte) (s State, err error) {
	if err = decode(data, &s); err == nil && (s.Protocol < 1 || s.Protocol <= Protocol && s.Removed == "" && (s.Epoch == "" || s.Reading < 1)) {
		err = fmt.Errorf("%w: it ends no reading", ErrRecord)
	}
	return s, err
}

// Digest is over a set of facts, in whatever order they come. The zero value is
// that of no facts.
type Digest [16]byte

// Toggle adds a fact, or takes one away that was added.
func (d *Digest) Toggle(sum Digest) {
	for i := range d {
		d[i] ^= sum[i]
	}
}

// Sum is the digest of one fact.
func Sum(subject string, data []byte) Digest {
	h := sha256.New()
	h.Write([]byte(subject))
	h.Write([]byte{0})
	h.Write(data)
	return Digest(h.Sum(nil)[:len(Digest{})])
}

// MarshalText writes it in hexadecimal.
func (d Digest) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(d[:])), nil }

// UnmarshalText reads it.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != 2*len(d) {
		return fmt.Errorf("%w: a digest of %d characters", ErrRecord, len(text))
	}
	_, err := hex.Decode(d[:], text)
	return err //nolint:wrapcheck // part of decode
}

// Heartbeat says that an agent is there. It is not stored.
type Heartbeat struct {
	Protocol  int      `json:"v"`
	Agent     string   `json:"agent"`
	Version   string   `json:"version"`
	At        Moment   `json:"at"` // by the agent's clock
	Panels    []string `json:"panels,omitempty"`
	Vantage   string   `json:"vantage,omitempty"` // it looks from outside, under this name
	Abilities []string `json:"abilities,omitempty"`
	Skill     int      `json:"skill,omitempty"` // what it can be asked: see Skill
	Backlog   int      `json:"backlog"`         // messages that wait for the hub
}

// DecodeHeartbeat reads a Heartbeat.
func DecodeHeartbeat(data []byte) (h Heartbeat, err error) {
	if err = decode(data, &h); err == nil && h.Protocol < 1 {
		err = fmt.Errorf("%w: a heartbeat without a protocol", ErrRecord)
	}
	return h, err
}
