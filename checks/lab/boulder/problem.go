package boulder

import (
	"fmt"
	"net/http"
	"time"
)

// Problem is a problem document as Boulder writes it (RFC 8555 section 6.7).
type Problem struct {
	Type        string       `json:"type"`
	Detail      string       `json:"detail"`
	Status      int          `json:"status"`
	Subproblems []Subproblem `json:"subproblems,omitempty"`
	Algorithms  []string     `json:"algorithms,omitempty"` // with badSignatureAlgorithm

	RetryAfter time.Duration `json:"-"` // for the header; zero: none
}

// Subproblem is what is wrong with one identifier (RFC 8555 section 6.7.1).
type Subproblem struct {
	Type       string     `json:"type"`
	Detail     string     `json:"detail"`
	Status     int        `json:"status"`
	Identifier identifier `json:"identifier"`
}

type identifier struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// ErrorNamespace stands before every type of error (RFC 8555 section 6.7).
const ErrorNamespace = "urn:ietf:params:acme:error:"

// NewProblem makes a problem of a type without the namespace, to script answers with.
func NewProblem(status int, kind, detail string) *Problem {
	return &Problem{Type: ErrorNamespace + kind, Detail: detail, Status: status}
}

// under puts what was being done before the detail, as Boulder joins errors.
func (p *Problem) under(doing string) *Problem {
	if p == nil || doing == "" {
		return p
	}
	q := *p
	q.Detail = doing + " :: " + p.Detail
	return &q
}

func malformed(format string, args ...any) *Problem {
	return NewProblem(http.StatusBadRequest, "malformed", fmt.Sprintf(format, args...))
}

func notFound(format string, args ...any) *Problem {
	return NewProblem(http.StatusNotFound, "malformed", fmt.Sprintf(format, args...))
}

func unauthorized(format string, args ...any) *Problem {
	return NewProblem(http.StatusForbidden, "unauthorized", fmt.Sprintf(format, args...))
}

// badNonce tells nothing of what was wrong with the nonce; Boulder hides it too.
func badNonce() *Problem {
	return NewProblem(http.StatusBadRequest, "badNonce", "JWS has an invalid anti-replay nonce")
}

// serverInternal never says more than what was tried, and always to come back in a minute.
func serverInternal(doing string) *Problem {
	return NewProblem(http.StatusInternalServerError, "serverInternal", doing)
}

func methodNotAllowed() *Problem {
	return NewProblem(http.StatusMethodNotAllowed, "malformed", "Method not allowed")
}
