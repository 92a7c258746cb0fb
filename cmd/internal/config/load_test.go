package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFilesThatCannotBeRead(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	write(t, at("latin"), "language: \xcf\xf0\n")
	write(t, at("binary"), "language: ru\x00\n")
	write(t, at("utf16"), "\xff\xfel\x00a\x00n\x00g\x00:\x00 \x00r\x00u\x00\n\x00")
	write(t, at("utf16be"), "\xfe\xff\x00l\x00a")
	write(t, at("large"), strings.Repeat("# a line\n", maxSize/9+1))
	write(t, at("empty"), "")
	write(t, at("marked"), "\ufefflanguage: ru\n")
	if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"nowhere": "config.file.missing", "latin": "config.file.encoding", "binary": "config.file.encoding",
		"utf16": "config.file.utf16", "utf16be": "config.file.utf16",
		"large": "config.file.large", "empty": "config.file.empty", "": "config.file.folder",
		"pipe": "config.file.unreadable", "marked": "config.needed",
	} {
		cfg, faults := Load(at(name), environment(nil))
		if cfg != nil || len(faults) == 0 || faults[0].Key != want {
			t.Errorf("%q: got %v, want %s", name, faults, want)
		}
		for _, line := range faults.Render(locale(t, "en")) {
			if !strings.HasPrefix(line, at(name)+":") || strings.Contains(line, "⟨") {
				t.Errorf("%q renders as %q", name, line)
			}
		}
	}
}

func TestFileOfAnotherUser(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	name := filepath.Join(t.TempDir(), "config.yaml")
	write(t, name, minimal)
	if err := os.Chmod(name, 0); err != nil {
		t.Fatal(err)
	}
	if _, faults := Load(name, environment(nil)); len(faults) != 1 || faults[0].Key != "config.file.denied" {
		t.Error("got", faults)
	}
}

func TestStateMayBeInAFolderToCome(t *testing.T) {
	folder := t.TempDir()
	env := environment(map[string]string{"STATE": filepath.Join(folder, "a", "b", "domovoy.db")})
	if _, faults := load("config.yaml", []byte(minimal), env); faults != nil {
		t.Error(faults)
	}
	if _, err := os.Stat(filepath.Join(folder, "a")); err == nil {
		t.Error("reading the config made the folder")
	}
}

func TestStateIsNotThePanelUnderAnotherName(t *testing.T) {
	folder := t.TempDir()
	panel, state := filepath.Join(folder, "ispmgr.db"), filepath.Join(folder, "domovoy.db")
	write(t, panel, "")
	if err := os.Symlink(panel, state); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(minimal, "/srv/ispmgr.db", panel, 1)
	_, faults := load("config.yaml", []byte(text), environment(map[string]string{"STATE": state}))
	if len(faults) != 1 || faults[0].Key != "config.state.panel" {
		t.Error("got", faults)
	}
}
