// Check all that an OCI layout names against the JSON schemas of the image-spec.
//
//	schemas LAYOUT
package main

import (
	"bytes"
	"encoding/json"
	"log"
	"os"
	"path/filepath"

	"github.com/opencontainers/image-spec/schema"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// The schema of each document; layers, and blobs of artifacts, have none.
var validators = map[string]schema.Validator{
	v1.MediaTypeImageIndex:    schema.ValidatorMediaTypeImageIndex,
	v1.MediaTypeImageManifest: schema.ValidatorMediaTypeManifest,
	v1.MediaTypeImageConfig:   schema.ValidatorMediaTypeImageConfig,
}

type document struct {
	Config    v1.Descriptor   `json:"config"`
	Manifests []v1.Descriptor `json:"manifests"`
}

func check(layout, path, mediaType string) int {
	validator, known := validators[mediaType]
	if !known {
		return 0
	}
	data, err := os.ReadFile(filepath.Join(layout, path))
	if err != nil {
		log.Fatal(err)
	}
	if err := validator.Validate(bytes.NewReader(data)); err != nil {
		log.Fatalf("%s, %s: %v", path, mediaType, err)
	}
	var read document
	if err := json.Unmarshal(data, &read); err != nil {
		log.Fatal(err)
	}
	checked := 1
	for _, each := range append(read.Manifests, read.Config) {
		if each.Digest != "" {
			name := filepath.Join("blobs", string(each.Digest.Algorithm()), each.Digest.Encoded())
			checked += check(layout, name, each.MediaType)
		}
	}
	return checked
}

func main() {
	log.SetFlags(0)
	layout := os.Args[1]
	header, err := os.Open(filepath.Join(layout, v1.ImageLayoutFile))
	if err != nil {
		log.Fatal(err)
	}
	if err := schema.ValidatorMediaTypeLayoutHeader.Validate(header); err != nil {
		log.Fatal(err)
	}
	log.Printf("%d documents", check(layout, v1.ImageIndexFile, v1.MediaTypeImageIndex))
}
