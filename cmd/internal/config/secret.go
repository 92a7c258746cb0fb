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

// Secret is a text that fmt, log/slog and encoders print as ***. The zero Secret
// is one that the file does not have.
type Secret struct {
	// A pointer, because fmt prints an unexported field of another struct without
	// calling its methods. Of a pointer it prints the address.
	is *stored
}

type stored struct {
	text   string
	origin Origin
}

// Origin is where a secret was read from.
type Origin struct {
	Key  string // of the configuration, such as telegram.token_file
	Kind OriginKind
	Name string // path, name of the credential or of the variable
}

// OriginKind is a way to give a secret.
type OriginKind string

// The ways.
const (
	FromFile       OriginKind = "file"
	FromCredential OriginKind = "credential" // of systemd: it is copied when the service starts
	FromVariable   OriginKind = "variable"   // of the environment
)

// NewSecret returns text as a secret.
func NewSecret(text string) Secret { return Secret{is: &stored{text: text}} }

// IsSet reports whether the file has this secret, even a wrong or empty one.
func (s Secret) IsSet() bool { return s.is != nil }

// Origin returns where the secret was read from; zero if it is not set or was not read
// from anywhere.
func (s Secret) Origin() Origin {
	if s.is == nil {
		return Origin{}
	}
	return s.is.origin
}

// Reveal returns the text; empty if the secret is not set. Only what sends the
// secret calls it.
func (s Secret) Reveal() string {
	if s.is == nil {
		return ""
	}
	return s.is.text
}

// String returns ***.
func (s Secret) String() string { return masked }

// GoString returns *** for %#v.
func (s Secret) GoString() string { return masked }

// Format prints *** for every verb, including %x.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue returns *** for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText returns *** for JSON and TOML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// MarshalYAML returns *** for YAML.
func (s Secret) MarshalYAML() (any, error) { return masked, nil }

// maxSecret is more than any token has, and less than most files that could be
// named by mistake.
const maxSecret = 4 << 10 // bytes

var (
	onlyReference = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)
	// secretLike matches values that a message must not contain: tokens of
	// messengers, and addresses with a password.
	secretLike = regexp.MustCompile(`(?i)` + leaks() + `://[^/\s]*:[^/\s]*@`)
)

// leaks joins the patterns of all tokens; each ends with a |.
func leaks() string {
	all := ""
	for _, m := range messengers() {
		if m.leak != "" {
			all += m.leak + "|"
		}
	}
	return all
}

// secret reads `token` or `token_file`. A secret that only the service can read
// is a fault for run only: people run ask in a terminal.
func (r *reader) secret(f field, nodes map[string]ast.Node, path string, into reflect.Value) {
	inline, file := nodes[f.key], nodes[f.file()]
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
	origin := Origin{Key: at}
	v, bad := r.value(n)
	if file != nil {
		text, p = r.fileSecret(f, at, v, bad)
		origin.Kind = FromFile
		if name, credential := r.locate(v.text); credential {
			origin.Kind, origin.Name = FromCredential, filepath.Base(name)
		} else {
			origin.Name = name
		}
	} else {
		text, p = inlineSecret(f, at, v, bad)
		origin.Kind, origin.Name = FromVariable, strings.Trim(v.raw, "${}")
	}
	if p == nil {
		p = checkForm(f, text)
	}
	// It is set even if it is wrong, so that chats of its messenger are not faults too.
	into.Set(reflect.ValueOf(Secret{is: &stored{text: text, origin: origin}}))
	switch {
	case p == nil:
	case p.runOnly:
		r.runFaults = append(r.runFaults, r.at(at, p))
	default:
		r.fault(at, p)
	}
}

// inlineSecret takes a reference to the environment only: what is written in the
// config itself gets into backups and chats.
func inlineSecret(f field, path string, v scalar, bad *problem) (string, *problem) {
	switch {
	case !onlyReference.MatchString(v.raw):
		return "", wrong("secret.literal", f.secretArgs(path))
	case bad != nil:
		return "", bad.forRun()
	}
	return strings.TrimRight(v.text, "\r\n"), nil
}

// fileSecret reads the file that the value names.
func (r *reader) fileSecret(f field, path string, v scalar, bad *problem) (string, *problem) {
	switch {
	case bad != nil && bad.key == "config.env.absent":
		return "", bad.forRun()
	case bad != nil && bad.key != "":
		return "", bad
	case v.form != letters:
		return "", wrong("secret.path", f.secretArgs(path))
	case secretLike.MatchString(v.text):
		return "", wrong("secret.pasted", f.secretArgs(path))
	}
	name, credential := r.locate(v.text)
	r.secretFiles = append(r.secretFiles, name)
	args := map[string]any{"Value": printable(v.raw)}
	text, err := readSmall(name, maxSecret)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", wrong("secret.missing", args).forRun()
	case errors.Is(err, fs.ErrPermission):
		return "", wrong("secret.denied", args).forRun()
	case err != nil:
		return "", wrong("secret.unreadable", args)
	}
	if info, err := os.Stat(name); !credential && err == nil && info.Mode().Perm()&0o077 != 0 {
		args["Mode"] = fmt.Sprintf("%04o", info.Mode().Perm())
		return "", wrong("secret.open", args)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", wrong("secret.empty", args)
	}
	return secret, nil
}

// locate finds the file of a secret. A plain name is a systemd credential
// (LoadCredential=) if the service has credentials, else a file beside the
// config. The mode of a credential does not matter: systemd keeps it in a folder
// of the service, with an ACL that makes the mode look like 0440.
func (r *reader) locate(name string) (file string, credential bool) {
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

// checkForm finds a secret of another kind, without showing any of it.
func checkForm(f field, text string) *problem {
	for _, c := range allSecrets() {
		switch {
		case c.shape != f.shape || c.form.MatchString(text):
		case c.other != "" && strings.HasPrefix(text, c.other):
			return wrong("secret."+f.shape, nil).withHint("secret.swapped")
		default:
			return wrong("secret."+f.shape, nil)
		}
	}
	return nil
}

// allSecrets are the forms of the secrets of messengers and senders.
func allSecrets() []credential {
	all := senderSecrets()
	for _, m := range messengers() {
		all = append(all, m.credentials...)
	}
	return all
}

// secretArgs are the arguments of messages about how to give a secret.
func (f field) secretArgs(path string) map[string]any {
	return map[string]any{
		"Key": f.key, "File": f.file(),
		"Variable": strings.ToUpper(strings.NewReplacer(".", "_", "[", "_", "]", "").Replace(join(parent(path), f.key))),
	}
}
