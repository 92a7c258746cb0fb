package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCommandsOfTheDocuments: every command in a document is run by a test or a script,
// as testdata/commands.txt says, and those that can be are run here.
func TestCommandsOfTheDocuments(t *testing.T) {
	how := runners(t)
	used := map[string]bool{}
	for _, document := range documents(t) {
		for _, command := range commandsIn(text(t, document)) {
			used[command] = true
			if how[command] == "" {
				t.Errorf("%s has the command %q, and testdata/commands.txt says nothing of it", document, command)
			}
		}
	}
	var here []string
	for command, runner := range how {
		where, what, _ := strings.Cut(runner, ": ")
		switch {
		case !used[command]:
			t.Errorf("no document has the command %q", command)
		case what == "":
			t.Errorf("%q: how it is run, and by what? %q", command, runner)
		case where == "here":
			here = append(here, command)
		case where != "nothing" && !strings.Contains(text(t, filepath.Join("../..", filepath.FromSlash(where))), what):
			t.Errorf("%q: %s has no %q", command, where, what)
		}
	}
	if len(used) < 50 {
		t.Errorf("%d commands in all documents", len(used))
	}
	slices.Sort(here) // a backup is made before it is restored
	h := newHouse(t, settings{resolveAfter: 1})
	path := h.installed()
	for _, command := range here {
		_, shell, _ := strings.Cut(how[command], ": ")
		cmd := exec.CommandContext(h.soon(), "sh", "-c", shell)
		cmd.Dir = t.TempDir()
		cmd.Env = []string{"PATH=" + path, "HOME=" + h.folder, "LANG=en_US.UTF-8", "TZ=UTC", "DOMOVOY_CONFIG=" + h.config}
		out, err := cmd.CombinedOutput()
		if err != nil || len(out) == 0 {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}

// runners reads testdata/commands.txt: by the command, what runs it.
func runners(t *testing.T) map[string]string {
	t.Helper()
	how := map[string]string{}
	for line := range strings.Lines(text(t, "testdata/commands.txt")) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		command, runner, found := strings.Cut(line, " => ")
		command = strings.TrimSpace(command)
		if !found || how[command] != "" {
			t.Errorf("testdata/commands.txt: not understood, or there already: %s", line)
		}
		how[command] = runner
	}
	return how
}

// installed makes a folder with the program under its name, and returns a PATH with it.
func (h *house) installed() string {
	h.Helper()
	built, err := exec.LookPath(realProgram)
	h.must(err)
	folder := filepath.Join(h.folder, "bin")
	h.must(os.Mkdir(folder, 0o755))
	h.must(os.Symlink(built, filepath.Join(folder, "domovoy")))
	return folder + string(filepath.ListSeparator) + os.Getenv("PATH")
}

var (
	block   = regexp.MustCompile("(?ms)^ *```(\\w*)\n(.*?)^ *```")
	inline  = regexp.MustCompile("`([^`]+)`")
	comment = regexp.MustCompile(`\s+#.*`)
	script  = regexp.MustCompile(`^\.ci/\w+( |$)`)
	// programs are what a text in code begins with that is a command.
	programs = regexp.MustCompile(`^(domovoy(-\w+)?|bash|go (build|run|test)|systemctl|systemd-analyze|journalctl|runuser|su|apt|apt-get|dpkg|` +
		`docker|podman|setfacl|install|useradd|usermod|chown|chmod|chgrp|mysql|mariadb|psql|sqlite3|curl|git|make|gunzip|tar|cd|sha256sum|[A-Z_]+=\S+) `)
)

// commandsIn are the commands of a document: the lines of its shell blocks, and what it
// has as code in a sentence.
func commandsIn(markdown string) []string {
	var found []string
	for _, b := range block.FindAllStringSubmatch(markdown, -1) {
		if b[1] != "sh" {
			continue
		}
		for line := range strings.Lines(b[2]) {
			if line = strings.TrimSpace(comment.ReplaceAllString(line, "")); line != "" {
				found = append(found, line)
			}
		}
	}
	for _, span := range inline.FindAllStringSubmatch(block.ReplaceAllString(markdown, ""), -1) {
		code := strings.Join(strings.Fields(span[1]), " ")
		if programs.MatchString(code) || script.MatchString(code) && runs(code) {
			found = append(found, code)
		}
	}
	return found
}

// runs reports whether a path from the top of the repository is that of a program.
func runs(code string) bool {
	path, _, _ := strings.Cut(code, " ")
	info, err := os.Stat(filepath.Join("../..", filepath.FromSlash(path)))
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o100 != 0
}

// TestNoSudo: a minimal Debian has none, and who reads these commands is root.
func TestNoSudo(t *testing.T) {
	others, err := filepath.Glob("../../i18n/*.toml")
	if err != nil || len(others) == 0 {
		t.Fatalf("no catalogs: %v", err)
	}
	others = append(others, "../../.ci/deb/config.yaml", "../../config.example.yaml", "../internal/unit/domovoy.service")
	for _, path := range append(documents(t), others...) {
		if found := regexp.MustCompile(`.*\bsudo\b.*`).FindString(text(t, path)); found != "" {
			t.Errorf("%s: %s", path, found)
		}
	}
}

// TestCommandsIn: what counts as a command.
func TestCommandsIn(t *testing.T) {
	found := commandsIn("Run `domovoy ask\nstatus` or `.ci/kill`, not `domovoy`, `.ci/deb` or `status`:\n\n" +
		"  ```sh\n  make it   # so\n  ```\n\n```text\nsystemctl status\n```\nand `FOO=1 go test`")
	if want := []string{"make it", "domovoy ask status", ".ci/kill", "FOO=1 go test"}; !slices.Equal(found, want) {
		t.Errorf("%q, want %q", found, want)
	}
}
