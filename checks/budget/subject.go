package budget

import (
	"slices"
	"strings"

	"github.com/weppos/publicsuffix-go/publicsuffix"
)

// RegisteredDomain is the name that certificates are counted under. It is the
// public suffix list's with its private section, by the library that Boulder
// uses; a name that is a public suffix itself stands for itself.
func RegisteredDomain(name string) string {
	name = strings.TrimPrefix(name, "*.")
	domain, err := publicsuffix.Domain(name)
	if err != nil {
		return name
	}
	return domain
}

// RegisteredDomains are those of several names, each once, sorted.
func RegisteredDomains(names []string) []string {
	domains := make([]string, 0, len(names))
	for _, name := range names {
		domains = append(domains, RegisteredDomain(name))
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
