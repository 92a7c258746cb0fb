package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

const masked = "***"

// Secret is a text that prints as *** whatever prints it. The zero Secret is
// one that the file does not give.
type Secret struct {
	// A pointer, because fmt shows unexported fields of other people's
	// structs without asking their methods: there it prints an address.
	text *string
}

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text: &text} }

// IsSet tells whether the file gives this secret.
func (s Secret) IsSet() bool { return s.text != nil }

// Reveal gives the text itself, for the one place that sends it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String masks.
func (s Secret) String() string { return masked }

// GoString masks %#v.
func (s Secret) GoString() string { return masked }

// Format masks every verb, %x among them.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue masks in log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText masks in JSON and TOML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// MarshalYAML masks in YAML.
func (s Secret) MarshalYAML() (any, error) { return masked, nil }

// maxSecret is above any token, and below what anyone names by mistake.
const maxSecret = 4 << 10 // bytes

var (
	onlyReference = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)
	// secretLike finds what must not be shown wherever it was put: tokens of
	// messengers, and passwords in addresses.
	secretLike = regexp.MustCompile(`(?i)` + leaks() + `://[^/\s]*:[^/\s]*@`)
)

func leaks() string {
	all := ""
	for _, m := range messengers() {
		all += m.leak + "|"
	}
	return all
}

func looksSecret(s string) bool { return secretLike.MatchString(s) }

// secret reads `token` or `token_file`. A secret that only the service's own
// environment can give stops run alone: ask is run by people in a terminal.
func (r *reader) secret(f field, given map[string]ast.Node, path string, into reflect.Value) {
	inline, file := given[f.key], given[f.file()]
	at, n := join(path, f.key), inline
	switch {
	case inline == nil && file == nil:
		return
	case inline != nil && file != nil:
		r.fault(join(path, f.file()), wrong("secret.two", map[string]any{"Known": f.keys()}))
		return
	case file != nil:
		at, n = join(path, f.file()), file
	}
	text, p := "", (*problem)(nil)
	if v, bad := r.value(n); file != nil {
		text, p = r.fileSecret(f, at, v, bad)
	} else {
		text, p = inlineSecret(f, at, v, bad)
	}
	if p == nil {
		p = misshapen(f, text)
	}
	// It is given even when it is wrong: chats of its messenger are no faults.
	into.Set(reflect.ValueOf(NewSecret(text)))
	switch {
	case p == nil:
	case p.later:
		r.later = append(r.later, r.at(at, p))
	default:
		r.fault(at, p)
	}
}

// inlineSecret takes a reference to the environment, nothing else: whatever
// stands in the file itself ends up in backups and in chats.
func inlineSecret(f field, path string, v scalar, bad *problem) (string, *problem) {
	switch {
	case !onlyReference.MatchString(v.raw):
		return "", wrong("secret.literal", f.secretArgs(path))
	case bad != nil:
		return "", bad.postpone()
	}
	return strings.TrimRight(v.text, "\r\n"), nil
}

// fileSecret reads the file that a value names.
func (r *reader) fileSecret(f field, path string, v scalar, bad *problem) (string, *problem) {
	switch {
	case bad != nil && bad.key == "config.env.absent":
		return "", bad.postpone()
	case bad != nil && bad.key != "":
		return "", bad
	case v.form != letters:
		return "", wrong("secret.path", f.secretArgs(path))
	case looksSecret(v.text):
		return "", wrong("secret.pasted", f.secretArgs(path))
	}
	name, guarded := r.locate(v.text)
	args := map[string]any{"Value": shown(v.raw)}
	text, err := readSmall(name, maxSecret)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", wrong("secret.missing", args).postpone()
	case errors.Is(err, fs.ErrPermission):
		return "", wrong("secret.denied", args).postpone()
	case err != nil:
		return "", wrong("secret.unreadable", args)
	}
	if info, err := os.Stat(name); !guarded && err == nil && info.Mode().Perm()&0o077 != 0 {
		args["Mode"] = fmt.Sprintf("%04o", info.Mode().Perm())
		return "", wrong("secret.open", args)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", wrong("secret.empty", args)
	}
	return secret, nil
}

// locate finds the file of a secret. A plain name is one of systemd's
// credentials (LoadCredential=) where there are any, else a file beside the
// config. Credentials are guarded: systemd keeps them in a folder of the
// service alone, and their ACL makes the mode look like 0440.
func (r *reader) locate(name string) (file string, guarded bool) {
	folder, _ := r.env("CREDENTIALS_DIRECTORY")
	if filepath.IsAbs(name) {
		inside, err := filepath.Rel(folder, filepath.Clean(name))
		return name, folder != "" && err == nil && filepath.IsLocal(inside)
	}
	if folder != "" && filepath.IsLocal(name) {
		return filepath.Join(folder, name), true
	}
	return filepath.Join(filepath.Dir(r.file), name), false
}

// misshapen tells a secret of the wrong kind without showing any of it.
func misshapen(f field, text string) *problem {
	t, ok := findForm(f.shape)
	switch {
	case !ok || t.form.MatchString(text):
		return nil
	case t.other != "" && strings.HasPrefix(text, t.other):
		return wrong("secret."+f.shape, nil).try("secret.swapped")
	}
	return wrong("secret."+f.shape, nil)
}

func (f field) secretArgs(path string) map[string]any {
	return map[string]any{
		"Key": f.key, "File": f.file(),
		"Variable": strings.ToUpper(strings.ReplaceAll(join(parent(path), f.key), ".", "_")),
	}
}
