package boulder

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// normalized are names as Boulder stores them: small letters, sorted, each once.
func normalized(names []string) []string {
	var list []string
	for _, name := range names {
		list = append(list, strings.ToLower(name))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// wellFormed reports the names that cannot be.
func wellFormed(names []string) *Problem {
	var wrong []Subproblem
	for _, name := range names {
		if trouble := malformation(name); trouble != "" {
			wrong = append(wrong, about(name, "malformed", trouble))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return cannotIssue(wrong)
}

// malformation is what is wrong with a name; empty: nothing. Boulder knows
// some more kinds. The reserved top-level domains test and example are
// allowed here (RFC 6761), which Boulder refuses.
func malformation(name string) string {
	bare := strings.TrimPrefix(name, "*.")
	labels := strings.Split(bare, ".")
	suffix, public := publicsuffix.PublicSuffix(bare)
	top := labels[len(labels)-1]
	reserved := top == "test" || top == "example"
	switch {
	case strings.Contains(bare, "*"):
		return "Domain name contains an invalid wildcard. A wildcard is only permitted before the first dot in a domain name"
	case strings.ContainsFunc(bare, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.'
	}):
		return "Domain name contains an invalid character"
	case len(bare) > 253:
		return "Domain name is longer than 253 bytes"
	case strings.HasSuffix(bare, "."):
		return "Domain name ends in a dot"
	case len(labels) > 10:
		return "Domain name has more than 10 labels (parts)"
	case len(labels) < 2:
		return "Domain name needs at least one dot"
	case slices.Contains(labels, ""):
		return "Domain name can not have two dots in a row"
	case slices.ContainsFunc(labels, func(l string) bool { return len(l) > 63 }):
		return "Domain has a label (component between dots) longer than 63 bytes"
	case !public && !strings.Contains(suffix, ".") && !reserved:
		return "Domain name does not end with a valid public suffix (TLD)"
	case bare == suffix && public:
		return "Domain name is an ICANN TLD"
	}
	return ""
}

// about is what is wrong with one name.
func about(name, kind, detail string) Subproblem {
	return Subproblem{Type: ErrorNamespace + kind, Status: http.StatusBadRequest, Detail: detail, Identifier: identifier{"dns", name}}
}

// cannotIssue names the first of the names that are refused, and counts the others.
func cannotIssue(names []Subproblem) *Problem {
	detail := fmt.Sprintf("Cannot issue for %q: %s", names[0].Identifier.Value, names[0].Detail)
	p := NewProblem(http.StatusBadRequest, "rejectedIdentifier", detail)
	if len(names) > 1 {
		p.Detail += fmt.Sprintf(" (and %d more problems. Refer to sub-problems for more information.)", len(names)-1)
		p.Subproblems = names
	}
	return p
}
