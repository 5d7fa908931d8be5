// Where an application reads its secrets from: the environment, a vault. These are here only so that the example runs.
const {
  TILL_SECRET = "XYcAJ0QkDwHVVPsy8wbZ5cgFZtMvfhXr",
  OFFICE_SECRET = "o4lzT6GrzuZ4cIyKKi0OfUvGDQ8Hf9sl",
} = process.env;

export { OFFICE_SECRET as officeSecret, TILL_SECRET as tillSecret };
