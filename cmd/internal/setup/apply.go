package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"domovoy/cmd/internal/app"
	systemd "domovoy/cmd/internal/unit"
	"domovoy/i18n"
)

// Where systemd looks for units.
const (
	ownUnit = "/etc/systemd/system/domovoy.service"
	dropIn  = "/etc/systemd/system/domovoy.service.d/setup.conf"
)

// step is one change of the host.
type step struct {
	text string
	do   func(context.Context) error
	hand bool // somebody else has to do it: it is only said
}

// apply says what will be done, asks, and does it.
func (s *session) apply(ctx context.Context) error {
	t := s.talk
	text := s.text()
	cfg, faults, err := s.stage(text)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		t.say("setup.plan.faults")
		t.print(faults.Render(t.l)...)
		return s.refuse("")
	}
	steps := s.steps(text)
	t.print("")
	if len(steps) == 0 {
		t.say("setup.plan.nothing")
		return nil
	}
	t.say("setup.plan.head", i18n.Args{"Dry": s.DryRun})
	for _, step := range steps {
		t.indent(step.text)
	}
	if os.Geteuid() != 0 {
		t.note("setup.plan.notroot")
	}
	if s.DryRun {
		t.print("", s.Config+":", text)
		t.say("setup.unchanged")
		return nil
	}
	if s.Given == nil && !s.Agreed {
		if agreed, err := t.agree(ctx, t.l.Say("setup.plan.ask"), true); err != nil || !agreed {
			return errLeft
		}
	}
	if err := s.do(ctx, steps); err != nil {
		return err
	}
	return s.finish(ctx, cfg)
}

// do takes the steps in order, and ends at the first that fails.
func (s *session) do(ctx context.Context, steps []step) error {
	ctx = context.WithoutCancel(ctx) // half of it would be worse
	var hand []string
	for _, step := range steps {
		if step.hand {
			hand = append(hand, step.text)
			continue
		}
		if err := step.do(ctx); err != nil {
			s.talk.say("setup.done.failed", i18n.Args{"Step": step.text, "Error": err})
			return ErrFailed
		}
	}
	s.talk.say("setup.done.written", i18n.Args{"File": s.Config})
	if len(hand) > 0 {
		s.talk.say("setup.done.hand")
		for _, text := range hand {
			s.talk.indent(text)
		}
		if name := s.draft.panel.passwordFile; name != "" {
			s.talk.say("setup.done.password", i18n.Args{"File": filepath.Join(s.folder(), name)})
		}
	}
	return nil
}

// steps are what is not as it should be yet.
func (s *session) steps(text string) []step {
	var steps []step
	add := func(more ...step) { steps = append(steps, more...) }
	root := os.Geteuid() == 0
	if root && !s.account.exists() && s.Prefix == "" {
		add(s.run(command{args: []string{"useradd", "--system", "--user-group", "--shell", "/usr/sbin/nologin", "--home-dir", "/var/lib/domovoy", "--no-create-home", s.account.name}}, root))
	}
	add(s.makeFolder(s.folder(), 0o750, false)...)
	if folder := filepath.Dir(s.state()); missing(folder) && !isLink(folder) { // a disk may yet be mounted where a link leads
		add(s.makeFolder(folder, 0o700, true)...)
	}
	for _, c := range s.draft.grants {
		add(s.run(c, root))
	}
	for _, name := range slices.Sorted(maps.Keys(s.draft.secrets)) {
		own := !s.systemd() || name == s.draft.panel.passwordFile || name == enrolmentFile // ask reads the panel, too; config check tells an agent by its key
		add(s.write(filepath.Join(s.folder(), name), s.draft.secrets[name]+"\n", 0o600, own)...)
	}
	add(s.mend(root)...)
	if text != s.oldText {
		if s.oldText != "" {
			aside := s.Config + ".before-" + time.Now().Format("2006-01-02-150405")
			add(step{text: s.talk.l.Say("setup.plan.aside", i18n.Args{"File": aside}), do: func(context.Context) error { return copyFile(s.Config, aside) }})
		}
		add(s.write(s.Config, text, 0o640, false)...)
	}
	if s.systemd() || s.Prefix != "" || root && !missing(filepath.Dir(ownUnit)) {
		add(s.units()...)
	}
	if len(steps) > 0 && s.systemd() {
		add(s.run(command{args: []string{"systemctl", "daemon-reload"}}, root), s.run(command{args: []string{"systemctl", "enable", "domovoy"}}, root),
			s.run(command{args: []string{"systemctl", "restart", "domovoy"}}, root))
	}
	return steps
}

// mend are the steps for files that are not as they have to be: secrets that others may
// read, and a state that is not the service's.
func (s *session) mend(root bool) []step {
	var steps []step
	for _, path := range s.openSecrets() {
		steps = append(steps, s.run(command{args: []string{"chmod", "600", path}}, true))
	}
	if root && s.account.exists() {
		for _, c := range s.ownState() {
			steps = append(steps, s.run(c, root))
		}
	}
	return steps
}

// openSecrets are the files of secrets and of account keys that others than their owner
// may read.
func (s *session) openSecrets() []string {
	if s.old == nil {
		return nil
	}
	var paths []string
	for _, name := range s.old.SecretFiles() {
		if missing(name) { // it was read from the copy of stage
			name = filepath.Join(s.folder(), filepath.Base(name))
		}
		paths = append(paths, name)
	}
	for _, p := range s.old.Panels {
		paths = append(paths, p.ACME.AccountKeyFile)
	}
	return slices.DeleteFunc(paths, func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || info.Mode().Perm()&0o077 == 0
	})
}

// state is the file of the state.
func (s *session) state() string {
	if s.old != nil {
		return s.old.State
	}
	return s.at("/var/lib/domovoy/domovoy.db")
}

// ownState are the commands that give the state to the service's user. A folder that has
// files of others, too, stays whose it is.
func (s *session) ownState() []command {
	state := s.state()
	folder := filepath.Dir(state)
	var foreign []string
	files, _ := filepath.Glob(state + "*") // the pattern is right
	for _, path := range append(files, folder) {
		if info, err := os.Stat(path); err == nil {
			if uid, _ := ownerOf(info); uid != s.account.uid {
				foreign = append(foreign, path)
			}
		}
	}
	switch {
	case len(foreign) == 0:
		return nil
	case app.OwnsFolder(state):
		return []command{{args: []string{"chown", "-R", s.account.name + ":", folder}}}
	}
	var commands []command
	if i := slices.Index(foreign, folder); i >= 0 {
		foreign = slices.Delete(foreign, i, i+1)
		if s.lacking(folder, true, true) != "" {
			commands = append(commands, command{args: []string{"setfacl", "-m", "u:" + s.account.name + ":rwx", folder}})
		}
	}
	if len(foreign) > 0 {
		commands = append(commands, command{args: append([]string{"chown", s.account.name + ":"}, foreign...)})
	}
	return commands
}

// systemd reports whether the service can be started by it.
func (s *session) systemd() bool {
	return s.Prefix == "" && os.Geteuid() == 0 && !missing("/run/systemd/system")
}

// run is the step of a command, which only root can run.
func (s *session) run(c command, root bool) step {
	return step{text: c.String(), hand: c.hand || !root || s.Prefix != "" && !s.account.exists() && c.args[0] != "chmod", do: func(ctx context.Context) error {
		cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
		cmd.Stdin = strings.NewReader(c.stdin)
		out, err := cmd.CombinedOutput()
		if err != nil && (c.stdin == "" || !onlyAbsent(string(out))) {
			return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
		}
		return nil
	}}
}

// onlyAbsent reports whether all that a database server refused is about tables and
// columns that this panel does not have, after which --force goes on
// (ER_NO_SUCH_TABLE, ER_BAD_FIELD_ERROR).
func onlyAbsent(out string) bool {
	refused := false
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "ERROR ") {
			refused = true
			if !strings.HasPrefix(line, "ERROR 1146 ") && !strings.HasPrefix(line, "ERROR 1054 ") {
				return false
			}
		}
	}
	return refused
}

// makeFolder is the step of a folder that is not there; own: the service's user owns it,
// else root, with the user's group.
func (s *session) makeFolder(path string, mode fs.FileMode, own bool) []step {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	return []step{{text: s.fileText("setup.plan.folder", path, mode, own), do: func(context.Context) error {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.MkdirAll(path, mode)); err != nil {
			return err
		}
		return errors.Join(os.Chmod(path, mode), s.give(path, own))
	}}}
}

// write is the step of a file whose text, mode or owner is another one.
func (s *session) write(path, text string, mode fs.FileMode, own bool) []step {
	was, err := os.ReadFile(path)
	if info, failed := os.Stat(path); err == nil && failed == nil && string(was) == text && info.Mode().Perm() == mode {
		return nil
	}
	return []step{{text: s.fileText("setup.plan.write", path, mode, own), do: func(context.Context) error {
		fresh := path + ".new"
		_ = os.Remove(fresh)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(fresh, []byte(text), 0o600); err != nil {
			return err
		}
		group := own || mode&0o040 != 0
		err := errors.Join(s.giveTo(fresh, own, group), os.Chmod(fresh, mode))
		if err == nil {
			err = os.Rename(fresh, path)
		}
		if err != nil {
			return errors.Join(err, os.Remove(fresh))
		}
		return nil
	}}}
}

// fileText says which file is written, with its mode and its owner.
func (s *session) fileText(key, path string, mode fs.FileMode, own bool) string {
	owner := "root:"
	if own {
		owner = s.account.name + ":"
	}
	if own || mode&0o070 != 0 && mode != 0o644 {
		owner += s.account.name
	} else {
		owner += "root"
	}
	if os.Geteuid() != 0 || s.Prefix != "" && !s.account.exists() {
		owner = ""
	}
	return s.talk.l.Say(key, i18n.Args{"Path": path, "Mode": fmt.Sprintf("%04o", mode), "Owner": owner})
}

// give makes a folder belong to the service's user, or to root and the user's group.
func (s *session) give(path string, own bool) error { return s.giveTo(path, own, true) }

func (s *session) giveTo(path string, own, group bool) error {
	if os.Geteuid() != 0 {
		return nil
	}
	a := s.account
	if !a.exists() {
		if a = findAccount(a.name); !a.exists() {
			return nil // below a prefix
		}
		s.account = a
	}
	uid, gid := 0, 0
	if own {
		uid = a.uid
	}
	if group {
		gid = a.gid
	}
	return os.Chown(path, uid, gid)
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// units are the steps of the service's unit, if no package brought one, and of what
// this host needs besides.
func (s *session) units() []step {
	var steps []step
	unit := ""
	for _, path := range []string{ownUnit, "/usr/lib/systemd/system/domovoy.service", "/lib/systemd/system/domovoy.service"} {
		if text, err := os.ReadFile(s.at(path)); err == nil && unit == "" {
			unit = string(text)
		}
	}
	if unit == "" {
		unit = systemd.Service(s.Program, s.Config)
		steps = append(steps, s.write(s.at(ownUnit), unit, 0o644, false)...)
	}
	var lines []string
	for _, name := range s.credentials() {
		if (s.systemd() || s.Prefix != "") && !strings.Contains(unit, "LoadCredential="+name+":") {
			lines = append(lines, "LoadCredential="+name+":"+filepath.Join(s.folder(), name))
		}
	}
	if folder := s.draft.panel.challenges; folder != "" && !strings.Contains(unit, "ReadWritePaths=-"+folder+"\n") {
		lines = append(lines, "ReadWritePaths="+s.draft.panel.challenges)
	}
	if s.draft.able {
		lines = append(lines, "AmbientCapabilities=CAP_DAC_READ_SEARCH", "CapabilityBoundingSet=CAP_DAC_READ_SEARCH")
	}
	was, _ := os.ReadFile(s.at(dropIn))
	text := string(was)
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			if text == "" {
				text = "# domovoy setup\n[Service]\n"
			}
			text += line + "\n"
		}
	}
	if text != "" {
		steps = append(steps, s.write(s.at(dropIn), text, 0o644, false)...)
	}
	return steps
}

// credentials are the secrets that systemd passes to the service.
func (s *session) credentials() []string { return slices.Sorted(maps.Keys(s.draft.secrets)) }
