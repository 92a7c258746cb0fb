package app

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"domovoy/i18n"
)

// barrier is the first file or folder on the way to a path that this user may not
// enter or read.
type barrier struct {
	path      string
	folder    bool
	owner     string // name, or number; empty: it cannot be looked at
	group     string
	mode      fs.FileMode
	groupOpen bool // a member of its group may pass
	missing   bool // it does not exist
}

// Modes of access(2).
const (
	mayRead    = 4
	mayEnter   = 1
	mayReadDir = mayRead | mayEnter
)

// barrierTo finds what keeps this user from reading a file, or from listing a
// folder; false: nothing does.
func barrierTo(path string) (barrier, bool) { return barrierOn(path, mostLinks) }

// mostLinks is how many symbolic links are followed.
const mostLinks = 8

func barrierOn(path string, depth int) (barrier, bool) {
	steps := []string{path}
	for at := filepath.Dir(path); at != filepath.Dir(at); at = filepath.Dir(at) {
		steps = append(steps, at)
	}
	for i := len(steps) - 1; i >= 0; i-- {
		info, err := os.Stat(steps[i])
		if errors.Is(err, fs.ErrNotExist) {
			return barrier{path: steps[i], missing: true}, true
		}
		if err != nil {
			if to, failed := os.Readlink(steps[i]); failed == nil { // what is closed is on the way that it leads
				if !filepath.IsAbs(to) {
					to = filepath.Join(filepath.Dir(steps[i]), to)
				}
				if depth > 0 {
					return barrierOn(to, depth-1)
				}
			}
			return barrier{path: steps[i]}, true
		}
		need, group := uint32(mayEnter), fs.FileMode(0o010)
		if i == 0 && info.IsDir() {
			need, group = mayReadDir, 0o050
		} else if i == 0 {
			need, group = mayRead, 0o040
		}
		if syscall.Access(steps[i], need) == nil {
			continue
		}
		b := barrier{path: steps[i], folder: info.IsDir(), mode: info.Mode().Perm(), groupOpen: info.Mode().Perm()&group == group}
		if owner, ok := info.Sys().(*syscall.Stat_t); ok {
			b.owner, b.group = userName(owner.Uid), groupName(owner.Gid)
		}
		return b, true
	}
	return barrier{}, false
}

func userName(id uint32) string {
	text := strconv.FormatUint(uint64(id), 10)
	if u, err := user.LookupId(text); err == nil {
		return u.Username
	}
	return text
}

func groupName(id uint32) string {
	text := strconv.FormatUint(uint64(id), 10)
	if g, err := user.LookupGroupId(text); err == nil {
		return g.Name
	}
	return text
}

// me is the name of the user who runs the program.
func me() string { return userName(uint32(os.Geteuid())) }

// closed is the trial of a path that this user may not read: whose it is, and the
// command that grants the least. Joining the group is offered where the group may
// pass, else an access control list for this one file or folder.
func closed(key string, grade Grade, path string, b barrier) Trial {
	cure, permission := "acl", "r"
	if b.folder {
		permission = "x"
		if b.path == path {
			permission = "rx"
		}
	}
	if b.groupOpen && b.group != "root" {
		cure = "group"
	}
	if b.owner == "" {
		cure = ""
	}
	return Trial{Key: key, Grade: grade, Says: "closed", Cure: cure, Args: i18n.Args{
		"Path": path, "At": b.path, "Other": b.path != path, "Owner": b.owner, "Group": b.group, "Mode": b.mode.String(), "User": me(),
		"Permission": permission, "Quoted": quoted(b.path)}}
}

// quoted is a path as a shell takes it.
func quoted(path string) string {
	plain := func(r rune) bool {
		return r == '/' || r == '=' || r == ':' || r == '.' || r == '-' || r == '_' || r == ',' || r == '+' || r == '@' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
	}
	if strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
