package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Names of files in a run's directory.
const (
	RunFile      = "run.json"
	HistoryFile  = "history.jsonl"
	ScheduleFile = "schedule.yaml"
	LogsDir      = "logs"
	HarnessLog   = "ordeal.log"
	// SequencePicture and SequenceText are the sequence diagram of a simulated run that violates.
	SequencePicture = "sequence.svg"
	SequenceText    = "sequence.txt"
	latest          = "latest"
)

// DefaultRoot is where runs are kept where nothing else is said.
var DefaultRoot = filepath.Join("results", "runs")

// A Directory is the directory of one run.
type Directory struct {
	ID   string
	path string
}

// Create makes the directory of a new run below root and points root's latest link to it.
func Create(root, id string) (Directory, error) {
	d := Directory{ID: id, path: filepath.Join(root, id)}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return d, fmt.Errorf("make the results directory: %w", err)
	}
	if err := os.Mkdir(d.path, 0o755); err != nil {
		return d, fmt.Errorf("make the run's directory: %w", err)
	}
	if err := os.Mkdir(d.LogsPath(), 0o755); err != nil {
		return d, fmt.Errorf("make the run's directory: %w", err)
	}
	return d, link(root, id)
}

// Creatable returns an error unless directories of runs can be made below root. It leaves nothing
// that was not there.
func Creatable(root string) (err error) {
	var missing []string
	for path := filepath.Clean(root); ; path = filepath.Dir(path) {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = append(missing, path)
	}
	defer func() {
		for _, path := range missing {
			_ = os.Remove(path) // one that is not there, or that another run uses by now, stays so
		}
	}()
	if err := os.MkdirAll(root, 0o755); err != nil {
		return fmt.Errorf("make the results directory: %w", err)
	}
	trial, err := os.MkdirTemp(root, ".trial-")
	if err != nil {
		return fmt.Errorf("make a directory for a run: %w", err)
	}
	return os.Remove(trial)
}

// link replaces the latest link in one step, so that it is never missing.
func link(root, id string) error {
	temporary := filepath.Join(root, "."+latest+"-"+id)
	if err := os.Symlink(id, temporary); err != nil {
		return fmt.Errorf("link the latest run: %w", err)
	}
	if err := os.Rename(temporary, filepath.Join(root, latest)); err != nil {
		return errors.Join(fmt.Errorf("link the latest run: %w", err), os.Remove(temporary))
	}
	return nil
}

// Find returns the directory that name stands for: a directory, an id below root, or "latest".
func Find(root, name string) (Directory, error) {
	for _, path := range []string{name, filepath.Join(root, name)} {
		info, err := os.Stat(path)
		if err != nil || !info.IsDir() {
			continue
		}
		resolved, err := filepath.EvalSymlinks(path)
		if err != nil {
			return Directory{}, fmt.Errorf("find run %q: %w", name, err)
		}
		return Directory{ID: filepath.Base(resolved), path: resolved}, nil
	}
	return Directory{}, fmt.Errorf("no run %q (accepted: a directory, an id below %s, or %s)",
		name, root, latest)
}

// Path returns the path of a file in the directory.
func (d Directory) Path(name string) string { return filepath.Join(d.path, name) }

// LogsPath returns the directory of the logs.
func (d Directory) LogsPath() string { return d.Path(LogsDir) }

// Write writes a file in one step: whoever reads it sees the old one or the new one, whole.
func (d Directory) Write(name string, data []byte) error {
	temporary := d.Path("." + name + ".tmp")
	file, err := os.Create(temporary)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = file.Write(data)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(temporary, d.Path(name))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), remove(temporary))
	}
	return nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Save writes run.json.
func (d Directory) Save(r Run) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", RunFile, err)
	}
	return d.Write(RunFile, append(data, '\n'))
}

// Load reads run.json.
func (d Directory) Load() (Run, error) {
	data, err := os.ReadFile(d.Path(RunFile))
	if err != nil {
		return Run{}, fmt.Errorf("read the run: %w", err)
	}
	var r Run
	if err := json.Unmarshal(data, &r); err != nil {
		return Run{}, fmt.Errorf("read the run: %s: %w", d.Path(RunFile), err)
	}
	if r.Format != FormatVersion {
		return Run{}, fmt.Errorf("read the run: %s has format %d (accepted: %d)",
			d.Path(RunFile), r.Format, FormatVersion)
	}
	return r, nil
}
