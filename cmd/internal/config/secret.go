package config

import (
	"fmt"
	"io"
	"log/slog"
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
