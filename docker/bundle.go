package docker

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

const (
	// programPath is where the program stands in the image.
	programPath = "/ordeal"
	// dataPath is a directory that belongs to the unprivileged user, and so does a fresh volume
	// that is mounted there: Docker fills a new volume with what the image has in its place.
	dataPath = "/data"
	// libraryPath is where the shared libraries of a dynamic executable stand.
	libraryPath = "/lib/ordeal"
	// nobody is the user and group that nodes run as, the number that images without an operating
	// system commonly use.
	nobody = 65532
)

// An entry is one file or directory of an image.
type entry struct {
	path   string
	source string // the file with its content; "" for a directory
	mode   int64
	owner  int
}

// A bundle is the content of an image: nothing but what the program needs to start.
type bundle struct {
	entries []entry
	// changes are the image's settings, as Dockerfile instructions.
	changes []string
}

// newBundle gathers what the executable needs.
func newBundle(executable string) (bundle, error) {
	needs, err := dependencies(executable, libraryDirectories())
	if err != nil {
		return bundle{}, err
	}
	b := bundle{
		entries: []entry{
			{path: programPath, source: executable, mode: 0o755},
			{path: dataPath, mode: 0o755, owner: nobody},
		},
		changes: []string{
			"LABEL " + labelImage + "=1",
			fmt.Sprintf("USER %d:%d", nobody, nobody),
		},
	}
	if needs.loader != "" {
		b.entries = append(b.entries, entry{path: needs.loader, source: needs.loader, mode: 0o755})
		b.changes = append(b.changes, "ENV LD_LIBRARY_PATH="+libraryPath)
	}
	for name, file := range needs.libraries {
		b.entries = append(b.entries,
			entry{path: libraryPath + "/" + name, source: file, mode: 0o644})
	}
	slices.SortFunc(b.entries, func(a, b entry) int { return strings.Compare(a.path, b.path) })
	return b, nil
}

// tag returns a name for the image that stands for its whole content.
func (b bundle) tag() (string, error) {
	sum := sha256.New()
	for _, e := range b.entries {
		content, err := e.digest()
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(sum, "%s %o %d %s\n", e.path, e.mode, e.owner, content)
	}
	for _, change := range b.changes {
		_, _ = fmt.Fprintln(sum, change)
	}
	return "ordeal:" + hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// digest returns the hash of the entry's content.
func (e entry) digest() (string, error) {
	if e.source == "" {
		return "directory", nil
	}
	file, err := os.Open(e.source)
	if err != nil {
		return "", fmt.Errorf("reading a file for the image: %w", err)
	}
	defer func() { _ = file.Close() }() // only read from
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("reading a file for the image: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// write writes the image's content as a tar archive.
func (b bundle) write(to io.Writer) error {
	archive := tar.NewWriter(to)
	for _, e := range b.entries {
		if err := e.write(archive); err != nil {
			return fmt.Errorf("writing %s to the image: %w", e.path, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("writing the image: %w", err)
	}
	return nil
}

func (e entry) write(archive *tar.Writer) error {
	header := &tar.Header{
		Name: strings.TrimPrefix(e.path, "/"), Mode: e.mode, Uid: e.owner, Gid: e.owner,
	}
	if e.source == "" {
		header.Typeflag = tar.TypeDir
		header.Name += "/"
		return archive.WriteHeader(header)
	}
	file, err := os.Open(e.source)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read from
	info, err := file.Stat()
	if err != nil {
		return err
	}
	header.Typeflag, header.Size = tar.TypeReg, info.Size()
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(archive, file)
	return err
}
