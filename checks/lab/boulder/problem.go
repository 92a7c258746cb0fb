package boulder

import (
	"fmt"
	"net/http"
	"time"
)

// Problem is a problem document as Boulder writes it (RFC 8555 section 6.7).
type Problem struct {
	Type   string `json:"type"`
	Detail string `json:"detail"`
	Status int    `json:"status"`

	RetryAfter time.Duration `json:"-"` // for the header; zero: none
}

type identifier struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// ErrorNamespace is the prefix of every type of error (RFC 8555 section 6.7).
const ErrorNamespace = "urn:ietf:params:acme:error:"

// NewProblem makes a problem; kind is its type without the namespace. It is for
// the fault Refuse.
func NewProblem(status int, kind, detail string) *Problem {
	return &Problem{Type: ErrorNamespace + kind, Detail: detail, Status: status}
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

// badNonce does not say what was wrong with the nonce, like Boulder.
func badNonce() *Problem {
	return NewProblem(http.StatusBadRequest, "badNonce", "JWS has an invalid anti-replay nonce")
}

// serverInternal says what was being done; its response has a Retry-After of a
// minute.
func serverInternal(doing string) *Problem {
	return NewProblem(http.StatusInternalServerError, "serverInternal", doing)
}

func methodNotAllowed() *Problem {
	return NewProblem(http.StatusMethodNotAllowed, "malformed", "Method not allowed")
}
