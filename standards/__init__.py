"""Results in the forms that other systems of a hospital read: FHIR R4, OMOP, HL7 v2 answers.

Pure functions from results to values of a standard; what is sent or stored is no business of this
package. Codes are data (``codes.yaml``), and only those that were seen in a source.
"""
