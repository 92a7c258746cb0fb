package config

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// check finds what is wrong between keys that are each right by themselves.
// A zero value was a fault already.
func (r *reader) check(c *Config) {
	r.checkPanels(c)
	r.checkDiagnosis(c)
	r.checkMessengers(c)
	r.checkChats(c)
	r.checkPeople(c)
	r.checkThresholds(c)
	r.checkManagers(c)
	r.checkState(c.State)
}

func (r *reader) checkPanels(c *Config) {
	names, databases := map[string]string{}, map[string]string{}
	for i, p := range c.Panels {
		path := fmt.Sprintf("panels[%d]", i)
		r.unique(names, p.Name, path+".name")
		r.unique(databases, p.Database, path+".database")
		if c.State != "" && sameFile(c.State, p.Database) {
			r.fault("state", wrong("state.panel", map[string]any{"Name": p.Name}))
		}
	}
}

// checkDiagnosis finds what would be asked or read twice.
func (r *reader) checkDiagnosis(c *Config) {
	resolvers := map[string]string{}
	for i, server := range c.Resolvers {
		if server.IsValid() {
			r.unique(resolvers, server.String(), fmt.Sprintf("resolvers[%d]", i))
		}
	}
	zones := map[string]string{}
	for i, zone := range c.Lookups.Blocklists {
		r.unique(zones, zone, fmt.Sprintf("lookups.blocklists[%d]", i))
	}
	for i, p := range c.Panels {
		logs := map[string]string{}
		for j, log := range p.AccessLogs {
			r.unique(logs, log, fmt.Sprintf("panels[%d].access_logs[%d]", i, j))
		}
		vhosts := map[string]string{}
		for j, pattern := range p.Vhosts {
			r.unique(vhosts, pattern, fmt.Sprintf("panels[%d].vhosts[%d]", i, j))
		}
	}
}

func (r *reader) checkPeople(c *Config) {
	known := map[string]string{}
	for i, p := range c.People {
		r.unique(known, p.ID, fmt.Sprintf("people[%d].id", i))
	}
}

// unique notes a value that stood at another path before.
func (r *reader) unique(known map[string]string, value, path string) {
	if value == "" {
		return
	}
	if first, ok := known[value]; ok {
		r.fault(path, wrong("repeated", map[string]any{"First": first}))
		return
	}
	known[value] = path
}

func (r *reader) checkThresholds(c *Config) {
	for _, l := range c.Thresholds.levels() {
		if *l.critical > 0 && *l.warn > *l.critical {
			r.fault(l.path+".warn", wrong("warn", map[string]any{"Warn": *l.warn, "Critical": *l.critical}))
		}
	}
}

// checkState tells whether the database of our own can be where it should be.
// A folder that exists is left to the run: config check may have other rights.
func (r *reader) checkState(state string) {
	if state == "" {
		return
	}
	args := map[string]any{"Value": shown(state)}
	if info, err := os.Stat(state); err == nil && info.IsDir() {
		r.fault("state", wrong("state.folder", args))
		return
	}
	folder, info := existing(filepath.Dir(state))
	args["Folder"] = shown(folder)
	switch {
	case info == nil: // nobody lets us look
	case !info.IsDir():
		r.fault("state", wrong("state.place", args))
	case folder != filepath.Dir(state) && syscall.Access(folder, accessWrite) != nil:
		r.fault("state", wrong("state.place", args))
	}
}

// existing climbs to what there is of a folder; nil if that may not be seen.
func existing(folder string) (string, os.FileInfo) {
	for {
		info, err := os.Stat(folder)
		if err == nil || os.IsPermission(err) || folder == filepath.Dir(folder) {
			return folder, info
		}
		folder = filepath.Dir(folder)
	}
}

// accessWrite is W_OK|X_OK of access(2).
const accessWrite = 2 | 1

// sameFile compares by name and, where both exist, by what they are. It never
// opens them: closing a panel's database would drop the locks we hold on it.
func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
