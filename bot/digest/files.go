package digest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/reports"
)

// reportStore is the folder where the files of reports are kept: where a chat
// does not accept a file, its message can still say where it is. The zero
// store keeps nothing.
type reportStore struct{ folder string }

// keep writes files into a part of the folder, over older ones of the same
// names, and notes in each where it is. Names come from our catalogs, parts
// from the configuration; neither leaves the folder.
func (s reportStore) keep(part string, files []reports.File) error {
	if s.folder == "" || len(files) == 0 {
		return nil
	}
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(s.folder)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(part, 0o700); err != nil {
		return err
	}
	for i := range files {
		name := filepath.Join(part, filepath.Base(files[i].Name))
		if err := root.WriteFile(name, files[i].Data, 0o600); err != nil {
			return err
		}
		files[i].Path = filepath.Join(s.folder, name)
	}
	return nil
}

// keepReports is how long files are kept.
const keepReports = 90 * 24 * time.Hour

// clear removes parts that nothing was written into for long.
func (s reportStore) clear(now time.Time) error {
	if s.folder == "" {
		return nil
	}
	parts, err := os.ReadDir(s.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, p := range parts {
		info, infoErr := p.Info()
		if infoErr == nil && p.IsDir() && now.Sub(info.ModTime()) > keepReports {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.folder, p.Name())))
		}
	}
	return err
}

// keepFiles keeps a report's files, each reader's in a part of its own. They
// are sent even where that fails.
func (d *Reporter) keepFiles(ctx context.Context, report string, reader bot.Address, files []reports.File) {
	part := report + "-" + strings.NewReplacer(":", "-", "/", "-").Replace(reader.String())
	if err := d.files.keep(part, files); err != nil {
		d.log.WarnContext(ctx, "cannot keep the report's files", "error", err)
	}
}
