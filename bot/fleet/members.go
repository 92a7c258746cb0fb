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
	Bots []string `json:"bots"` // public keys of the bots
	// Named are the bots that were enrolled by a name; their keys are among Bots, too.
	Named []Member `json:"named_bots,omitempty"`
	// Removed are the panels of agents that were removed and not enrolled again.
	Removed []Removal `json:"removed,omitempty"`
	Agents  []Member  `json:"agents"`
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
	if m.has(one.Name) {
		return fmt.Errorf("%s: %w", one.Name, ErrEnrolled)
	}
	for _, a := range m.Agents {
		for _, panel := range one.Panels {
			if slices.Contains(a.Panels, panel) {
				return fmt.Errorf("%s, %s: %w", panel, a.Name, ErrPanelTaken)
			}
		}
	}
	m.Removed = slices.DeleteFunc(m.Removed, func(r Removal) bool { return slices.Contains(one.Panels, r.Panel) })
	m.Agents = append(m.Agents, one)
	slices.SortFunc(m.Agents, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// has reports whether an agent or a bot has the name.
func (m *Members) has(name string) bool {
	return slices.ContainsFunc(append(slices.Clone(m.Agents), m.Named...), func(a Member) bool { return a.Name == name })
}

// Remove ends the rights of an agent, or of a bot that was enrolled.
func (m *Members) Remove(name string) error {
	if i := slices.IndexFunc(m.Named, func(b Member) bool { return b.Name == name }); i >= 0 {
		m.Bots = slices.DeleteFunc(m.Bots, func(key string) bool { return key == m.Named[i].Key })
		m.Named = slices.Delete(m.Named, i, i+1)
		return nil
	}
	i := slices.IndexFunc(m.Agents, func(a Member) bool { return a.Name == name })
	if i < 0 {
		return fmt.Errorf("%s: %w", name, ErrNotEnrolled)
	}
	m.Agents = slices.Delete(m.Agents, i, i+1)
	return nil
}

// Enrol lets a bot in under a name.
func (m *Members) Enrol(bot Member) error {
	if !ValidName(bot.Name) {
		return fmt.Errorf("%q: %w", bot.Name, ErrName)
	}
	if m.has(bot.Name) {
		return fmt.Errorf("%s: %w", bot.Name, ErrEnrolled)
	}
	m.Named = append(m.Named, bot)
	m.AddBot(bot.Key)
	return nil
}

// AddBot lets a bot in, by its public key. It may be there already.
func (m *Members) AddBot(key string) {
	if !slices.Contains(m.Bots, key) {
		m.Bots = append(m.Bots, key)
	}
}
