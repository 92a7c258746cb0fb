package lab

import (
	"regexp"
	"slices"
	"strings"
)

// entry is a line of the server's general log: when, the connection, what, and
// its text.
var entry = regexp.MustCompile(`^(?:\d{6}\s+\d+:\d\d:\d\d)?\t+\s*(\d+) (Connect|Query|Quit|Init DB|Prepare|Execute|Statistics|Ping)\t?(.*)`)

// Statements returns what users other than the server's own gave it, in the order
// of its log.
func (m *MariaDB) Statements() ([]string, error) {
	text, err := m.Log()
	if err != nil {
		return nil, err
	}
	var all []string
	users, heard := map[string]string{}, false // by connection
	for line := range strings.Lines(text) {
		parts := entry.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		switch {
		case parts == nil:
			if heard { // a statement of several lines
				all[len(all)-1] += "\n" + strings.TrimSuffix(line, "\n")
			}
			continue
		case parts[2] == "Connect":
			users[parts[1]], _, _ = strings.Cut(parts[3], "@")
		}
		own := users[parts[1]] == "root" || users[parts[1]] == Owner().Name
		if heard = !own && slices.Contains([]string{"Query", "Prepare", "Execute"}, parts[2]); heard {
			all = append(all, parts[3])
		}
	}
	return all, nil
}

// careless matches what no reader of a panel has any reason to say: all columns,
// or one with a secret.
var careless = regexp.MustCompile(`(?i)\*|passw|admpwd|admusr|machine_id|privkey|\bkey\b|secret`)

// Careless returns the statements of others that ask for all columns or for one
// with a secret, or that do anything but read; and how many there were at all.
func (m *MariaDB) Careless() (faults []string, statements int, err error) {
	all, err := m.Statements()
	for _, s := range all {
		verb, _, _ := strings.Cut(strings.TrimSpace(s), " ")
		if careless.MatchString(s) || !slices.Contains([]string{"SELECT", "SET", "USE"}, strings.ToUpper(verb)) {
			faults = append(faults, s)
		}
	}
	return faults, len(all), err
}
