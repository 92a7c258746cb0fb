package fleet

import (
	"encoding/base32"
	"regexp"
	"strings"
)

// All subjects begin with the major version of the protocol.
const prefix = "dv1"

// Kinds of facts.
const (
	KindSite  = "site"
	KindCert  = "cert"
	KindFile  = "file"
	KindAbout = "about"
)

// Subject patterns of the streams.
const (
	allFacts  = prefix + ".facts.>"
	allStates = prefix + ".state.>"
	allLogs   = prefix + ".log.>"
	allLooks  = prefix + ".look.>"
	allSights = prefix + ".sight.>"
)

// AllBeats are the heartbeats of all agents.
const AllBeats = prefix + ".hb.*"

// Fact is what a record of FACTS is about.
type Fact struct {
	Panel string
	Kind  string // one of the kinds
	ID    string // of ID
}

// Subject is where the record stands.
func (f Fact) Subject() string { return prefix + ".facts." + f.Panel + "." + f.Kind + "." + f.ID }

// ParseFact reads the subject of a fact; false: it is the subject of something else.
func ParseFact(subject string) (Fact, bool) {
	parts := strings.Split(subject, ".")
	if len(parts) != 5 || parts[0] != prefix || parts[1] != "facts" || !ValidName(parts[2]) {
		return Fact{}, false
	}
	return Fact{Panel: parts[2], Kind: parts[3], ID: parts[4]}, true
}

// FactsSubject matches all facts of a panel.
func FactsSubject(panel string) string { return prefix + ".facts." + panel + ".>" }

// StateSubject is where a panel's readings are ended.
func StateSubject(panel string) string { return prefix + ".state." + panel }

// LogSubject has a panel's issuing log.
func LogSubject(panel string) string { return prefix + ".log." + panel }

// BeatSubject has an agent's heartbeats, which are not stored.
func BeatSubject(agent string) string { return prefix + ".hb." + agent }

// ParseBeat reads the subject of heartbeats; false: it is the subject of something else.
func ParseBeat(subject string) (agent string, ok bool) {
	agent, ok = strings.CutPrefix(subject, BeatSubject(""))
	return agent, ok && ValidName(agent)
}

// EntrySubject is an agent's own entry in the bucket of the fleet: its last heartbeat,
// with the hub's time beside it.
func EntrySubject(agent string) string { return "$KV." + BucketFleet + "." + agent }

// TaskSubject is where a panel's agent takes requests.
func TaskSubject(panel string) string { return prefix + ".task." + panel }

// LookSubject has the looks that a vantage point is to take. Its name is that of its
// agent.
func LookSubject(vantage string) string { return prefix + ".look." + vantage }

// SightSubject is where a vantage point puts what it saw of a panel's name.
func SightSubject(vantage, panel, id string) string {
	return prefix + ".sight." + vantage + "." + panel + "." + id
}

// UsersSubject is where our own hub is asked to read its users again at once.
const UsersSubject = prefix + ".hub.users"

// RefusalsSubject is where our own hub tells the bots what it refused: Refusals.
const RefusalsSubject = prefix + ".hub.refused"

// inboxPrefix begins the subjects of the answers to an agent, which only it may hear.
func inboxPrefix(agent string) string { return "_INBOX_" + agent }

// subjectID is base32 without padding, in lower case: a name has dots, and the * of a
// wildcard is not allowed in a subject.
var subjectID = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ID is the form in which a name stands in a subject; not for an empty name.
func ID(name string) string { return subjectID.EncodeToString([]byte(name)) }

// ParseID returns the name of an ID; false: it is none.
func ParseID(id string) (string, bool) {
	name, err := subjectID.DecodeString(id)
	return string(name), err == nil && len(name) > 0 && subjectID.EncodeToString(name) == id
}

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// ValidName reports whether a text can be the name of an agent, of a panel or of a
// vantage point.
func ValidName(name string) bool { return validName.MatchString(name) }
