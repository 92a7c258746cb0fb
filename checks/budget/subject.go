package budget

import (
	"slices"
	"strings"

	"domovoy/checks"
)

// RegisteredDomains are the names that certificates for these names are
// counted under, each once, sorted.
func RegisteredDomains(names []string) []string {
	domains := make([]string, 0, len(names))
	for _, name := range names {
		domains = append(domains, checks.RegisteredDomain(name))
	}
	slices.Sort(domains)
	return slices.Compact(domains)
}

// SetOf is the subject of a set of names: sorted, with commas.
func SetOf(names []string) string {
	sorted := slices.Sorted(slices.Values(names))
	return strings.Join(slices.Compact(sorted), ",")
}

// subjects of a limit that an order for these names has to do with.
func (l Limit) subjects(names []string) []string {
	switch l.Scope {
	case Account:
		return []string{""}
	case Domain:
		return RegisteredDomains(names)
	case Set:
		return []string{SetOf(names)}
	}
	return names
}
