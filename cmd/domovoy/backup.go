package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"domovoy/cmd/internal/app"
	"domovoy/i18n"
)

// backup copies the state while the bot runs.
func (p *program) backup() *cobra.Command {
	return p.needConfig(&cobra.Command{
		Use:     "backup PATH",
		Short:   p.own.Say("cli.backup"),
		Example: "  domovoy backup /var/backups/domovoy",
		Args:    p.onePath,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := p.load()
			if err != nil {
				return err
			}
			to := args[0]
			if info, err := os.Stat(to); err == nil && info.IsDir() {
				to = filepath.Join(to, "domovoy-"+time.Now().In(cfg.Timezone).Format("20060102-150405")+".db")
			}
			if err := app.Backup(c.Context(), cfg, to); err != nil {
				return p.unbacked(err)
			}
			_, err = fmt.Fprintln(p.out, p.own.Say("cli.backup.made", i18n.Args{"Path": to}))
			return err
		},
	})
}

// restore puts a backup in the place of the state.
func (p *program) restore() *cobra.Command {
	return p.needConfig(&cobra.Command{
		Use:   "restore PATH",
		Short: p.own.Say("cli.restore"),
		Args:  p.onePath,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := p.load()
			if err != nil {
				return err
			}
			aside, err := app.Restore(c.Context(), cfg, args[0], p.local())
			if err != nil {
				return p.unbacked(err)
			}
			_, err = fmt.Fprintln(p.out, p.own.Say("cli.restore.made", i18n.Args{"Path": args[0], "Aside": aside}))
			return err
		},
	})
}

// onePath wants one argument.
func (p *program) onePath(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{errors.New(p.own.Say("cli.onepath"))}
	}
	return nil
}

// unbacked is why a backup could not be made or restored, and what to do.
func (p *program) unbacked(err error) error {
	for _, known := range []struct {
		of  error
		key string
	}{
		{app.ErrHeld, "held"}, {app.ErrForeign, "foreign"}, {app.ErrNewer, "newer"}, {app.ErrDamaged, "damaged"}, {app.ErrFolder, "folder"},
		{fs.ErrExist, "exists"}, {fs.ErrNotExist, "missing"}, {fs.ErrPermission, "permission"},
	} {
		if errors.Is(err, known.of) {
			return errors.New(p.own.Say("cli.unbacked."+known.key, i18n.Args{"Error": err}))
		}
	}
	return err
}
