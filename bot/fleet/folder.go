package fleet

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Folder is the hub's folder beside a state file: its CA, its users and its streams, and
// the bot's own key.
func Folder(state string) string { return filepath.Join(filepath.Dir(state), "hub") }

// Lock makes the hub's folder if it is not there, and waits until no other process
// changes it.
func Lock(folder string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		return nil, err
	}
	if err := os.Mkdir(folder, 0o700); err == nil {
		err = own(folder)
		if err != nil {
			return nil, err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	name := filepath.Join(folder, "lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(own(name), syscall.Flock(int(f.Fd()), syscall.LOCK_EX)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil // which ends the lock
}

// WriteFile writes a file of mode 0600 so that a reader sees the old one or the new one,
// also after a crash.
func WriteFile(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // it is gone if all went well
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close(), own(f.Name())); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// own gives what root made to the owner of the folder around it, whom the service runs
// as.
func own(name string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(filepath.Dir(name))
	if err != nil {
		return err
	}
	around, ok := info.Sys().(*syscall.Stat_t)
	if !ok || around.Uid == 0 {
		return nil
	}
	return os.Lchown(name, int(around.Uid), int(around.Gid))
}

// BotKey returns the key of the bot whose hub has this folder, made at the first call,
// when the bot also becomes one of its members.
func BotKey(folder string) (Key, error) {
	name := filepath.Join(folder, "bot.key")
	text, err := os.ReadFile(name)
	if err == nil {
		return ParseKey(string(text))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Key{}, err
	}
	var key Key
	err = ChangeMembers(folder, func(m *Members) error {
		if text, err := os.ReadFile(name); err == nil { // another process was faster
			key, err = ParseKey(string(text))
			return err
		}
		key, err = NewKey()
		if err != nil {
			return err
		}
		seed, err := key.Seed()
		if err != nil {
			return err
		}
		m.Bots = append(m.Bots, key.Public())
		return WriteFile(name, []byte(seed+"\n"))
	})
	return key, err
}
