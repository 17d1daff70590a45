package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
)

// ensureImage returns the tag of an image that holds the program at path ("" for this process's),
// imported unless the engine has it.
func (e *Engine) ensureImage(
	ctx context.Context, path string, progress func(string),
) (string, error) {
	program, err := e.findProgram(ctx, path)
	if err != nil {
		return "", err
	}
	defer program.discard()
	content, err := newBundle(program.path)
	if err != nil {
		return "", err
	}
	tag, err := content.tag()
	if err != nil {
		return "", err
	}
	_, err = e.api.ImageInspect(ctx, tag)
	if err == nil {
		return tag, nil
	}
	if !errdefs.IsNotFound(err) {
		return "", fmt.Errorf("looking for the image: %w", err)
	}
	progress("importing the image " + tag)
	if err := e.importImage(ctx, content, tag); err != nil {
		return "", fmt.Errorf("importing the image %s: %w", tag, err)
	}
	return tag, nil
}

// importImage sends the bundle to the engine.
func (e *Engine) importImage(ctx context.Context, content bundle, tag string) error {
	ctx, cancel, err := whole(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	reader, writer := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := content.write(writer)
		_ = writer.CloseWithError(err) // never fails
		written <- err
	}()
	answer, err := e.api.ImageImport(ctx, image.ImportSource{Source: reader, SourceName: "-"}, tag,
		image.ImportOptions{Changes: content.changes})
	_ = reader.Close() // so that the writer ends, whatever was read
	if err := errors.Join(err, ignoreClosed(<-written)); err != nil {
		return err
	}
	defer func() { _ = answer.Close() }() // read to its end
	return lastError(answer)
}

// ignoreClosed drops the error of writing to a reader that had gone: then that has the reason.
func ignoreClosed(err error) error {
	if errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}

// lastError reads the engine's progress messages and returns the error that one of them reports.
func lastError(messages io.Reader) error {
	decoder := json.NewDecoder(messages)
	for {
		var message struct {
			Error string `json:"error"`
		}
		err := decoder.Decode(&message)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the engine's answer: %w", err)
		}
		if message.Error != "" {
			return errors.New(message.Error)
		}
	}
}
