package setup

import (
	"cmp"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"domovoy/checks/ispmanager"
	"domovoy/checks/ispmanager/location"
	"domovoy/i18n"
)

// The ways to the rights that the service's user lacks.
const (
	byACL        = "acl"
	byCapability = "capability"
	byUser       = "user" // one of the panel's database server, for Domovoy alone
	byHand       = "none"
)

// askRights finds out what the service's user may not read, and asks how it may.
func (s *session) askRights(ctx context.Context, given string) error {
	p := &s.draft.panel
	wanted := s.wanted()
	able := s.isAble()
	found, err := s.look(ctx, question{Paths: append(slices.Clone(wanted), p.optional()...), Challenges: p.challenges}, able)
	if err != nil {
		return err
	}
	s.draft.ends = found.Closed
	p.accessLogs = slices.DeleteFunc(p.accessLogs, func(log string) bool {
		closed := found.Closed[filepath.Dir(log)] != ""
		if closed {
			s.talk.note("setup.panel.nologs", i18n.Args{"Path": log, "User": s.account.name})
		}
		return closed && given != byCapability
	})
	closed := slices.DeleteFunc(wanted, func(path string) bool { return found.Closed[path] == "" })
	folders, files := s.closedCertificates()
	if folders, files = folders && !able, files && !able; files && given != byCapability && !s.draft.hasPanel {
		s.talk.note("setup.panel.keys", i18n.Args{"Path": p.certificates, "User": s.account.name})
		closed = slices.DeleteFunc(closed, func(path string) bool { return path == p.certificates })
		p.certificates = ""
	} else if folders && !slices.Contains(closed, p.certificates) {
		closed = append(closed, p.certificates)
	}
	server := p.at.Server.Name != "" && p.database == location.Auto && !s.draft.hasPanel
	if len(closed) == 0 && !server {
		return s.tried(ctx, able)
	}
	if len(closed) > 0 && os.Geteuid() == 0 && p.at.Server.Name == "" { // without these rights yet, but as a user who cannot write
		if err := s.tried(ctx, true); err != nil {
			return err
		}
	}
	way, err := s.chooseWay(ctx, closed, server, given)
	if err != nil {
		return err
	}
	switch way {
	case byACL:
		s.draft.grants = append(s.draft.grants, s.lists(closed)...)
	case byCapability:
		s.draft.able = true
	case byUser:
		return s.serverUser()
	}
	return nil
}

// wanted are the files and folders that the service has to read.
func (s *session) wanted() []string {
	p := s.draft.panel
	var paths []string
	if p.database == location.Auto {
		paths = append(paths, p.dbConf, p.at.Path)
		if p.at.Path == "" && p.at.Server.Name == "" { // its db.conf cannot be read, so most likely
			paths = append(paths, filepath.Join(filepath.Dir(filepath.Dir(p.dbConf)), filepath.Base(usualDatabase)))
		}
		if options := filepath.Join(filepath.Dir(filepath.Dir(p.dbConf)), filepath.Base(usualOptions)); !missing(options) {
			paths = append(paths, options)
		}
	} else {
		paths = append(paths, p.at.Path)
	}
	paths = append(append(paths, p.certificates, p.challenges), p.folders...)
	return slices.DeleteFunc(paths, func(path string) bool { return path == "" || missing(path) })
}

// optional are folders whose rights nobody is asked for: their files change every day.
func (p panel) optional() []string {
	var folders []string
	for _, log := range p.accessLogs {
		folders = append(folders, filepath.Dir(log))
	}
	return folders
}

// chooseWay asks how the rights are to be granted.
func (s *session) chooseWay(ctx context.Context, closed []string, server bool, given string) (string, error) {
	t, user := s.talk, s.account.name
	if len(closed) > 0 {
		t.say("setup.rights.lacks", i18n.Args{"User": user, "Paths": strings.Join(closed, ", ")})
	}
	ways := []string{byACL, byCapability, byHand}
	if server {
		ways = []string{byUser, byACL, byCapability, byHand}
		t.say("setup.rights.server", i18n.Args{"Database": s.draft.panel.at.String(), "Conf": s.draft.panel.dbConf})
	}
	for i, way := range ways {
		t.tell(strconv.Itoa(i+1) + " " + s.wayText(way, server))
		if way == byACL {
			for _, c := range s.lists(closed) {
				t.print("      " + c.String())
			}
		}
	}
	if s.Given != nil {
		if given == "" {
			given = ways[0]
		}
		if !slices.Contains(ways, given) {
			return "", s.refuse(t.l.Say("setup.rights.unknown", i18n.Args{"Word": given, "Known": ways}))
		}
		return given, nil
	}
	for {
		text, err := t.ask(ctx, t.l.Say("setup.rights.which"), "1")
		if err != nil {
			return "", err
		}
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(ways) {
			return ways[n-1], nil
		}
		t.say("setup.rights.number", i18n.Args{"Most": len(ways)})
	}
}

// wayText is what a way does, and what it gives away.
func (s *session) wayText(way string, server bool) string {
	args := i18n.Args{"User": s.account.name, "Server": server, "Root": os.Geteuid() == 0}
	switch way {
	case byACL:
		return s.talk.l.Say("setup.rights.acl", args)
	case byCapability:
		return s.talk.l.Say("setup.rights.capability", args)
	case byUser:
		return s.talk.l.Say("setup.rights.user", args)
	}
	return s.talk.l.Say("setup.rights.none", args)
}

// lists are the commands that open exactly these paths by access control lists.
func (s *session) lists(closed []string) []command {
	need := map[string]string{} // permission by path
	for _, path := range closed {
		writes, opens := path == s.draft.panel.challenges, false
		for _, way := range ways(path) {
			for at, last := way, true; at != filepath.Dir(at); at, last = filepath.Dir(at), false {
				if permission := s.lacking(at, last, writes); permission != "" {
					to := resolved(at)
					need[to], opens = longer(need[to], permission), true
				}
			}
		}
		if end := s.draft.ends[path]; !opens && end != "" { // the mode lets it pass, an access control list does not
			end = resolved(end)
			permission, _ := permissionFor(end, end == resolved(path), writes)
			need[end] = longer(need[end], permission)
		}
	}
	var commands []command
	if _, err := exec.LookPath("setfacl"); err != nil {
		commands = append(commands, command{args: []string{"apt-get", "install", "-y", "acl"}})
	}
	for _, permission := range []string{"x", "rx", "r", "rwx"} {
		var paths []string
		for path, p := range need {
			if p == permission {
				paths = append(paths, path)
			}
		}
		slices.SortFunc(paths, func(a, b string) int {
			return cmp.Or(cmp.Compare(strings.Count(a, "/"), strings.Count(b, "/")), cmp.Compare(a, b))
		})
		if len(paths) > 0 {
			commands = append(commands, command{args: append([]string{"setfacl", "-m", "u:" + s.account.name + ":" + permission}, paths...)})
		}
	}
	if folders, _ := s.closedCertificates(); folders && slices.Contains(closed, s.draft.panel.certificates) {
		commands = append(commands, command{args: []string{"find", s.draft.panel.certificates, "-mindepth", "1", "-type", "d",
			"-exec", "setfacl", "-m", "u:" + s.account.name + ":rx", "{}", "+"}})
	}
	return commands
}

// closedCertificates reports whether folders of certificates, or certificates in them,
// are closed to the service's user. Only root can tell.
func (s *session) closedCertificates() (folders, files bool) {
	top := s.draft.panel.certificates
	if top == "" || os.Geteuid() != 0 {
		return false, false
	}
	_ = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil //nolint:nilerr // it went away meanwhile
		case d.IsDir() && path != top:
			folders = folders || s.lacking(path, true, false) != ""
		case strings.HasSuffix(path, ".crt"):
			files = files || s.lacking(path, true, false) != ""
		}
		return nil
	})
	return folders, files
}

func longer(a, b string) string {
	if len(a) > len(b) {
		return a
	}
	return b
}

// resolved is a path without symbolic links, as far as it can be told.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// ways are the paths on which a file is reached: its own, and the one that the links
// on it lead to.
func ways(path string) []string {
	if real := resolved(path); real != path {
		return []string{path, real}
	}
	return []string{path}
}

// lacking is the permission that a file or folder needs and does not give to
// everybody, nor to a group of the service's user; empty: none.
func (s *session) lacking(path string, last, writes bool) string {
	permission, bits := permissionFor(path, last, writes)
	info, err := os.Stat(path)
	if err != nil {
		return permission
	}
	uid, gid := ownerOf(info)
	shift := 0 // the owner's bits are the owner's rights, also where others have more
	if uid == s.account.uid {
		shift = 6
	} else if s.account.in(gid) {
		shift = 3
	}
	if info.Mode().Perm()&(bits<<shift) == bits<<shift {
		return ""
	}
	return permission
}

// permissionFor is what the service needs at a place on the way to a file or folder,
// as setfacl writes it and as bits of everybody; last: it is that one.
func permissionFor(path string, last, writes bool) (permission string, bits fs.FileMode) {
	info, err := os.Stat(path)
	permission, bits = "x", fs.FileMode(0o001)
	switch folder := err == nil && info.IsDir(); {
	case last && writes:
		permission, bits = "rwx", 0o007
	case last && folder:
		permission, bits = "rx", 0o005
	case last:
		permission, bits = "r", 0o004
	}
	return permission, bits
}

// serverUser makes a user of the panel's database server who may read the columns that
// Domovoy reads, and nothing else.
func (s *session) serverUser() error {
	p := &s.draft.panel
	at := p.at.Server
	secret := newCode() + newCode() + newCode()
	host := "localhost"
	if at.Host != "" && at.Host != "localhost" {
		host = "%"
		if at.Host == "127.0.0.1" || at.Host == "::1" {
			host = at.Host
		}
	}
	who := "domovoy@" + host
	if host == "%" {
		who = "domovoy@'%'"
	}
	lines := []string{
		"CREATE USER IF NOT EXISTS " + who + " IDENTIFIED BY '" + secret + "';",
		"ALTER USER " + who + " IDENTIFIED BY '" + secret + "';",
	}
	p.passwordFile = p.name + ".db"
	s.draft.secrets[p.passwordFile] = secret
	at.User = "domovoy"
	p.database, p.at.Server = at.String(), at
	client := "mariadb"
	if _, err := exec.LookPath(client); err != nil {
		client = "mysql"
	}
	args, local := clientOf(client, at)
	s.draft.grants = []command{{args: args, hand: !local, secret: secret, stdin: strings.Join(append(lines, ispmanager.Grants(who, at.Name)...), "\n")}}
	return nil
}

// clientOf is how root reaches a server, and whether root of this host may do there what
// it wants: that goes by the socket of a server on this host.
func clientOf(client string, at location.Server) (args []string, local bool) {
	args = []string{client, "--force"}
	local = at.Host == "" || at.Host == "localhost" || at.Host == "127.0.0.1" || at.Host == "::1"
	switch {
	case at.Socket != "":
		args = append(args, "--socket="+at.Socket)
	case !local, at.Port != 0 && at.Port != usualPort:
		args = append(args, "--host="+cmp.Or(at.Host, "127.0.0.1"))
		if at.Port != 0 {
			args = append(args, "--port="+strconv.Itoa(int(at.Port)))
		}
	}
	return args, local
}

const usualPort = 3306

// isAble reports whether the service has the capability already.
func (s *session) isAble() bool {
	text, err := os.ReadFile(s.at(dropIn))
	return err == nil && strings.Contains(string(text), "CAP_DAC_READ_SEARCH")
}

func userName(id int) string {
	if u, err := user.LookupId(strconv.Itoa(id)); err == nil {
		return u.Username
	}
	return strconv.Itoa(id)
}

func groupName(id int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(id)); err == nil {
		return g.Name
	}
	return strconv.Itoa(id)
}
