package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"domovoy/checks/ispmanager/location"
)

// check finds faults between keys that are each valid alone. A key that was not
// valid has its zero value here, and no second fault.
func (r *reader) check(c *Config) {
	r.checkFleet(c)
	r.checkPanels(c)
	r.checkLists(c)
	r.checkMessengers(c)
	r.checkChats(c)
	r.checkThresholds(c)
	r.checkManagers(c)
	r.checkSenders(c)
	r.checkShare(c.Share)
	r.checkState(c.State)
}

func (r *reader) checkPanels(c *Config) {
	names, databases := map[string]string{}, map[string]string{}
	for i, p := range c.Panels {
		path := fmt.Sprintf("panels[%d]", i)
		r.unique(names, p.Name, path+".name")
		at, err := location.Parse(p.Database)
		if err != nil || p.Name == "" { // a fault already
			continue
		}
		if at.Auto {
			r.unique(databases, p.DBConf, path+".database")
		} else {
			r.unique(databases, at.String(), path+".database")
		}
		if c.State != "" && at.Path != "" && sameFile(c.State, at.Path) {
			r.fault("state", wrong("state.panel", map[string]any{"Name": p.Name}))
		}
		if d := p.ACME.Directory; d != "" && !strings.HasPrefix(d, "https://") { // RFC 8555 section 6.1
			r.fault(path+".acme.directory", wrong("acme.https", map[string]any{"Value": printable(d)}))
		}
		if p.Password.IsSet() && at.Server.Name == "" {
			r.fault(path+".password", wrong("database.unused", nil))
		}
	}
}

// checkLists finds values that a list has twice.
func (r *reader) checkLists(c *Config) {
	var resolvers, people []string
	for _, server := range c.Resolvers {
		text := ""
		if server.IsValid() {
			text = server.String()
		}
		resolvers = append(resolvers, text)
	}
	for _, p := range c.People {
		people = append(people, p.ID)
	}
	r.distinct("resolvers[%d]", resolvers)
	r.distinct("lookups.blocklists[%d]", c.Lookups.Blocklists)
	r.distinct("people[%d].id", people)
	for i, p := range c.Panels {
		r.distinct(fmt.Sprintf("panels[%d].access_logs[%%d]", i), p.AccessLogs)
		r.distinct(fmt.Sprintf("panels[%d].vhosts[%%d]", i), p.Vhosts)
	}
}

// distinct reports values that are there twice; path is a format for the index.
func (r *reader) distinct(path string, values []string) {
	known := map[string]string{}
	for i, v := range values {
		r.unique(known, v, fmt.Sprintf(path, i))
	}
}

// unique reports a value that stands at an earlier path; known maps values to
// paths. An empty value was a fault already.
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

// checkShare wants both the folder and its address, which no one in between reads: the
// link is the only key to a page.
func (r *reader) checkShare(s Share) {
	switch {
	case s.Directory == "" && s.URL != "":
		r.fault("share.directory", wrong("share.half", nil))
	case s.Directory != "" && s.URL == "":
		r.fault("share.url", wrong("share.half", nil))
	case s.URL != "" && !strings.HasPrefix(s.URL, "https://"):
		r.fault("share.url", wrong("share.https", map[string]any{"Value": printable(s.URL)}))
	}
}

// checkState checks that Domovoy's own database can be created. It does not try
// to write into a folder that exists: config check may run as another user.
func (r *reader) checkState(state string) {
	if state == "" {
		return
	}
	args := map[string]any{"Value": printable(state)}
	if info, err := os.Stat(state); err == nil && info.IsDir() {
		r.fault("state", wrong("state.folder", args))
		return
	}
	folder, info := existingParent(filepath.Dir(state))
	args["Folder"] = printable(folder)
	switch {
	case info == nil: // this user may not see it
	case !info.IsDir():
		r.fault("state", wrong("state.place", args))
	case folder != filepath.Dir(state) && syscall.Access(folder, accessWrite) != nil:
		r.fault("state", wrong("state.place", args))
	}
}

// existingParent returns the folder, or the nearest of its parents that exists;
// the info is nil if this user may not see it.
func existingParent(folder string) (string, os.FileInfo) {
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

// sameFile compares two files by name and, if both exist, by device and inode.
// It opens neither: closing a panel's database would release this process's
// POSIX locks on it.
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
