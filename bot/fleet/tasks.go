package fleet

import (
	"errors"
	"time"

	"domovoy/checks"
	"domovoy/checks/acme/account"
)

// What the bot asks of a panel's agent.
const (
	TaskReplay     = "replay"     // send everything again
	TaskKey        = "key"        // why the account's key cannot be used
	TaskOpen       = "open"       // connect to the CA
	TaskDiscover   = "discover"   // find the account's authorizations
	TaskRead       = "read"       // read one
	TaskDeactivate = "deactivate" // cancel one
	TaskProbe      = "probe"      // place an order to find authorizations
	TaskPlace      = "place"      // put a challenge file in place
	TaskRemove     = "remove"     // remove it
	TaskLook       = "look"       // make a check that only the panel's host can make
)

// LookTimeout bounds what TaskLook, TaskPlace and TaskRemove take: the way to the CA
// has half a minute, a large access log a few seconds.
const LookTimeout = 45 * time.Second

// Task is a request to the agent of a panel. Keys never travel.
type Task struct {
	Protocol int      `json:"v"`
	Do       string   `json:"do"`
	URL      string   `json:"url,omitempty"`   // of an authorization
	Names    []string `json:"names,omitempty"` // of an order
	Token    string   `json:"token,omitempty"` // of a challenge file
	Text     string   `json:"text,omitempty"`  // of a challenge file
	Look     *Look    `json:"look,omitempty"`
}

// Look is what TaskLook is about.
type Look struct {
	Check string `json:"check"`          // the name of the check
	Site  *Site  `json:"site,omitempty"` // nil: the server as a whole
	Last  *Try   `json:"last,omitempty"` // of ordering the site's certificate; nil: there was none
	At    Moment `json:"at"`
	Asked bool   `json:"asked,omitempty"` // somebody waits for it
}

// Try is checks.LastTry without the name of its certificate.
type Try struct {
	Outcome checks.AttemptOutcome `json:"outcome"`
	At      Moment                `json:"at,omitzero"`
	Text    string                `json:"text,omitempty"`
}

// LookOf returns the record of a check's target; its site is nil if it is the server.
func LookOf(check string, t *checks.Target) Look {
	l := Look{Check: check, At: Moment{t.Now}, Asked: t.Asked}
	if t.Site == nil {
		return l
	}
	site := SiteOf("", *t.Site)
	l.Site = &site
	if t.History != nil {
		last := t.History.Last
		l.Last = &Try{last.Outcome, Moment{last.Time}, last.Text}
	}
	return l
}

// Target is the target on the host of a panel.
func (l Look) Target(panel string) *checks.Target {
	t := &checks.Target{Server: panel, Now: l.At.Time, Asked: l.Asked}
	if l.Site == nil {
		return t
	}
	site := l.Site.Of(panel)
	t.Site = &site
	if l.Last != nil {
		t.History = &checks.History{Last: checks.LastTry{Certificate: site.Certificate, Outcome: l.Last.Outcome, Time: l.Last.At.Time, Text: l.Last.Text}}
	}
	return t
}

// Reply is the answer to a Task.
type Reply struct {
	Protocol      int                   `json:"v"`
	Error         *Failure              `json:"error,omitempty"`
	Key           string                `json:"key,omitempty"`
	Account       string                `json:"account,omitempty"` // its URL
	Origins       []string              `json:"origins,omitempty"` // of the CA's URLs
	Found         *account.Found        `json:"found,omitempty"`
	Authorization *checks.Authorization `json:"authorization,omitempty"`
	Order         *account.Order        `json:"order,omitempty"`
	Findings      []Finding             `json:"findings,omitempty"`
}

// Failure is an error that an agent met.
type Failure struct {
	Kind    string           `json:"kind,omitempty"` // one of those below; empty: another
	Text    string           `json:"text"`
	Problem *account.Problem `json:"problem,omitempty"` // of the CA
}

// Kinds of failures.
const (
	failKeyNeeded = "key"
	failOtherHost = "host"
	failNoOrder   = "order"
	failNothing   = "nothing"
	failSeen      = "seen"
	FailUnknown   = "unknown" // the agent does not know such a task: it is older than the bot
)

// FailureOf returns the record of an error.
func FailureOf(err error) *Failure {
	f := &Failure{Text: err.Error()}
	if p, ok := errors.AsType[*account.Problem](err); ok {
		f.Problem = p
	}
	switch {
	case errors.Is(err, account.ErrKeyNeeded):
		f.Kind = failKeyNeeded
	case errors.Is(err, account.ErrOtherHost):
		f.Kind = failOtherHost
	case errors.Is(err, account.ErrNoOrder):
		f.Kind = failNoOrder
	case errors.Is(err, checks.ErrNothing):
		f.Kind = failNothing
	case errors.Is(err, checks.ErrSeen):
		f.Kind = failSeen
	}
	return f
}

// Err is the error as the bot has it: what the CA answered is a *account.Problem in
// its chain, as if the bot had asked.
func (f *Failure) Err() error {
	if f == nil {
		return nil
	}
	e := &TaskError{Kind: f.Kind, Text: f.Text}
	switch {
	case f.Problem != nil:
		e.cause = f.Problem
	case f.Kind == failKeyNeeded:
		e.cause = account.ErrKeyNeeded
	case f.Kind == failOtherHost:
		e.cause = account.ErrOtherHost
	case f.Kind == failNoOrder:
		e.cause = account.ErrNoOrder
	case f.Kind == failNothing:
		e.cause = checks.ErrNothing
	case f.Kind == failSeen:
		e.cause = checks.ErrSeen
	}
	return e
}

// TaskError is an error that an agent met in a task.
type TaskError struct {
	Kind, Text string
	cause      error // may be nil
}

func (e *TaskError) Error() string { return e.Text }

// Unwrap returns the CA's answer, or an error of package account.
func (e *TaskError) Unwrap() error { return e.cause }

// DecodeTask reads a Task.
func DecodeTask(data []byte) (t Task, err error) { return t, decode(data, &t) }

// DecodeReply reads a Reply.
func DecodeReply(data []byte) (r Reply, err error) { return r, decode(data, &r) }
