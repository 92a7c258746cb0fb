package app

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// marks are files that keep in mind, by their time, when something was told although
// there is no state. They are as good as empty, since the disk may be full, and one
// place is enough.
type marks []string

// What a mark has in it.
const (
	marked     = ""       // what was told still holds
	markedOver = "over\n" // it does not
)

// marksOf are the places for the marks of a state: beside it; in memory, which is
// writable where disks are full or read-only, and outlives a service's own /tmp; and
// among the temporary files.
func marksOf(path string) marks {
	sum := sha256.Sum256([]byte(path))
	name := fmt.Sprintf("domovoy-%d-%s.told", os.Getuid(), hex.EncodeToString(sum[:8]))
	return marks{path + ".told", filepath.Join("/dev/shm", name), filepath.Join(os.TempDir(), name)}
}

// last is the newest time that a mark has, and whether that one says that what was
// told is over; zero: there is none. One of the future is none: the clock was set
// back.
func (m marks) last(now time.Time) (last time.Time, over bool) {
	for _, path := range m {
		info, ok := own(path)
		if !ok || info.ModTime().After(now) || info.ModTime().Before(last) {
			continue
		}
		if info.ModTime().After(last) {
			last, over = info.ModTime(), false
		}
		over = over || info.Size() > 0
	}
	return last, over
}

// set writes a mark with a time, in whole seconds, in the first place that takes it.
func (m marks) set(at time.Time, text string) error {
	var errs []error
	for _, path := range m {
		err := put(path, at.Truncate(time.Second), text)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// put writes one mark.
func put(path string, at time.Time, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	if text != marked {
		_, err = f.WriteString(text)
	}
	if err = errors.Join(err, f.Close(), os.Chtimes(path, at, at)); err != nil {
		return err
	}
	if _, ok := own(path); !ok {
		return fmt.Errorf("%s belongs to somebody else", path)
	}
	return nil
}

// own returns the facts of a mark, if it is a file of this user: others may write
// where the temporary files are.
func own(path string) (os.FileInfo, bool) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return info, ok && int(stat.Uid) == os.Getuid()
}
