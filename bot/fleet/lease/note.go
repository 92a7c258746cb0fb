package lease

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"domovoy/bot/fleet"
)

// note is what a bot keeps beside its state of the last turn that it had. It is not in
// the state: a restored backup must not say that another bot's turn was this one's.
type note struct {
	Turn     int64     `json:"turn"`               // zero: it never had one
	At       time.Time `json:"at"`                 // when it is known to have spoken last
	Revision uint64    `json:"revision,omitempty"` // of the lease, if the bot left it by itself
}

func readNote(path string) (n note, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err != nil {
		return note{}, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

func (n note) write(path string) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return fleet.WriteFile(path, append(text, '\n'))
}
