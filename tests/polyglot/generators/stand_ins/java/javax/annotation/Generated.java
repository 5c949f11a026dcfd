package javax.annotation;

/** Left Java with version 11; the generator still marks its classes with it. */
public @interface Generated {
  String[] value();

  String date() default "";

  String comments() default "";
}
