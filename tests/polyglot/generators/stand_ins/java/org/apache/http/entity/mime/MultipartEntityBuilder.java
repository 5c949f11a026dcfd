package org.apache.http.entity.mime;

/** Imported by every generated class and used by none, as no operation of the bundle takes a multipart body. */
public final class MultipartEntityBuilder {
  private MultipartEntityBuilder() {}
}
