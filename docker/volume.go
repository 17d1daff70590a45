package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"path/filepath"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"

	"ordeal/docker/system"
)

// makeVolume makes the volume of a node's data and returns its name.
func (c *Cluster) makeVolume(ctx context.Context, n *node) (string, error) {
	ctx, cancel, err := whole(ctx)
	if err != nil {
		return "", err
	}
	defer cancel()
	made, err := c.engine.api.VolumeCreate(ctx, volume.CreateOptions{
		Name: c.containerName(n.member.Name) + "-data", Labels: c.labels(roleData, n.member.Name),
	})
	if err != nil {
		return "", fmt.Errorf("making the volume of %s: %w", n.member.Name, err)
	}
	return made.Name, nil
}

// format writes what the system wants in a node's volume before its first start. The node's
// container exists and was never started; its root is read-only and its volume is not.
func (c *Cluster) format(ctx context.Context, n *node) error {
	sut := c.config.System
	if sut.DataDir == "" || sut.Files == nil {
		return nil
	}
	files, err := sut.Files(c.members(), n.member)
	if err != nil {
		return fmt.Errorf("preparing the volume of %s: %w", n.member.Name, err)
	}
	if len(files) == 0 {
		return nil
	}
	packed, err := archive(files, n.user)
	if err != nil {
		return fmt.Errorf("preparing the volume of %s: %w", n.member.Name, err)
	}
	err = c.engine.api.CopyToContainer(ctx, n.container, sut.DataDir, packed,
		container.CopyToContainerOptions{})
	if err != nil {
		return fmt.Errorf("writing to the volume of %s: %w", n.member.Name, err)
	}
	return nil
}

// archive packs small files for one volume, all owned by the user.
func archive(files []system.File, user int) (io.Reader, error) {
	var packed bytes.Buffer
	writer := tar.NewWriter(&packed)
	made := make(map[string]bool)
	for _, file := range files {
		name := path.Clean(file.Path)
		if name == "." || !filepath.IsLocal(name) {
			return nil, fmt.Errorf("the path %q is none in a volume", file.Path)
		}
		if err := writeParents(writer, path.Dir(name), user, made); err != nil {
			return nil, err
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: name, Mode: 0o644,
			Uid: user, Gid: user, Size: int64(len(file.Data)),
		}
		if err := writer.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("packing %s: %w", name, err)
		}
		if _, err := writer.Write(file.Data); err != nil {
			return nil, fmt.Errorf("packing %s: %w", name, err)
		}
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("packing the volume's files: %w", err)
	}
	return &packed, nil
}

// writeParents writes the directory and those above it, so that they belong to the user too.
func writeParents(writer *tar.Writer, directory string, user int, made map[string]bool) error {
	if directory == "." || made[directory] {
		return nil
	}
	if err := writeParents(writer, path.Dir(directory), user, made); err != nil {
		return err
	}
	made[directory] = true
	header := &tar.Header{
		Typeflag: tar.TypeDir, Name: directory + "/", Mode: 0o755, Uid: user, Gid: user,
	}
	if err := writer.WriteHeader(header); err != nil {
		return fmt.Errorf("packing %s: %w", directory, err)
	}
	return nil
}
