package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Member is an agent that was enrolled.
type Member struct {
	Name   string    `json:"name"`
	Key    string    `json:"key"`    // the public one, U…
	Panels []string  `json:"panels"` // that it may speak for; may be empty for a vantage point
	Since  time.Time `json:"since"`
}

// Errors of a change of the members.
var (
	ErrEnrolled    = errors.New("an agent of this name is enrolled")
	ErrNotEnrolled = errors.New("no agent of this name is enrolled")
	ErrPanelTaken  = errors.New("another agent speaks for this panel")
	ErrName        = errors.New("a name has a-z, 0-9 and dashes only")
)

// Members are who may speak at a hub, kept in one file.
type Members struct {
	Bots   []string `json:"bots"` // public keys of the bots
	Agents []Member `json:"agents"`
}

// MembersFile is their file in the hub's folder.
func MembersFile(folder string) string { return filepath.Join(folder, "members.json") }

// ReadMembers reads them from the hub's folder; without a file there are none.
func ReadMembers(folder string) (Members, error) {
	var m Members
	text, err := os.ReadFile(MembersFile(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return Members{}, fmt.Errorf("%s: %w", MembersFile(folder), err)
	}
	return m, nil
}

// ChangeMembers reads the members, changes them and replaces their file, while no other
// process does. The folder is made if it is not there. A change that returns an error
// leaves the file as it is.
func ChangeMembers(folder string, change func(*Members) error) error {
	unlock, err := Lock(folder)
	if err != nil {
		return err
	}
	defer unlock()
	m, err := ReadMembers(folder)
	if err != nil {
		return err
	}
	if err := change(&m); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(MembersFile(folder), append(text, '\n'))
}

// Add enrols an agent.
func (m *Members) Add(one Member) error {
	for _, name := range append([]string{one.Name}, one.Panels...) {
		if !ValidName(name) {
			return fmt.Errorf("%q: %w", name, ErrName)
		}
	}
	for _, a := range m.Agents {
		if a.Name == one.Name {
			return fmt.Errorf("%s: %w", one.Name, ErrEnrolled)
		}
		for _, panel := range one.Panels {
			if slices.Contains(a.Panels, panel) {
				return fmt.Errorf("%s, %s: %w", panel, a.Name, ErrPanelTaken)
			}
		}
	}
	m.Agents = append(m.Agents, one)
	slices.SortFunc(m.Agents, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// Remove ends the rights of an agent.
func (m *Members) Remove(name string) error {
	i := slices.IndexFunc(m.Agents, func(a Member) bool { return a.Name == name })
	if i < 0 {
		return fmt.Errorf("%s: %w", name, ErrNotEnrolled)
	}
	m.Agents = slices.Delete(m.Agents, i, i+1)
	return nil
}

// AddBot lets a bot in, by its public key. It may be there already.
func (m *Members) AddBot(key string) {
	if !slices.Contains(m.Bots, key) {
		m.Bots = append(m.Bots, key)
	}
}
